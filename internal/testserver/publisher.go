package testserver

import (
	"context"
	"net"
	"strconv"

	"github.com/moby/moby/client"
)

// Publisher returns the ID of the container that has published the port of an
// address, such as 127.0.0.1:5432; "" if none has. It is for tests of which way
// to a server was taken.
func Publisher(ctx context.Context, addr string) (string, error) {
	_, wanted, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	daemon, err := connect()
	if err != nil {
		return "", err
	}
	defer func() { _ = daemon.Close() }()
	list, err := daemon.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return "", err
	}
	for _, c := range list.Items {
		for _, port := range c.Ports {
			if strconv.Itoa(int(port.PublicPort)) == wanted {
				return c.ID, nil
			}
		}
	}
	return "", nil
}
