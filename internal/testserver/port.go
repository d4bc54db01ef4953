package testserver

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

func freePort() (string, error) {
	return free("0")
}

// busOffset is what a Redis server adds to its port for the other members of a
// cluster.
const busOffset = 10000

// lastingPort returns a port for a server that is to come back on it. The
// system gives those of freePort to outgoing connections too: one of them
// would be in the way, and a client that keeps dialing the absent server can
// end up connected to itself. This one is below them, as is its bus.
func lastingPort() (string, error) {
	var all []error
	for range 20 {
		port := 10000 + rand.IntN(busOffset)
		_, err1 := free(strconv.Itoa(port))
		_, err2 := free(strconv.Itoa(port + busOffset))
		if err1 == nil && err2 == nil {
			return strconv.Itoa(port), nil
		}
		all = append(all, err1, err2)
	}
	return "", errors.Join(all...)
}

// free returns the port if nobody listens on it; for "0", one that is so.
func free(port string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return "", err
	}
	_, port, err = net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
