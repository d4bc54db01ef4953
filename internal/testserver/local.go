package testserver

import (
	"errors"
	"os"
)

// local starts a server from binaries of this machine.
func local(k kind) (string, error) {
	programs, err := k.found()
	if err != nil {
		return "", err
	}
	url, err := launch(k, programs)
	if err != nil {
		// Between choosing a port and listening on it, somebody else may
		// have taken it: once more.
		url, err = launch(k, programs)
	}
	return url, err
}

func launch(k kind, programs string) (url string, err error) {
	folder, err := os.MkdirTemp("", "querycache-test-")
	if err != nil {
		return "", err
	}
	started := false
	defer func() {
		if !started { // or else it is the leash's
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	port, err := freePort()
	if err != nil {
		return "", err
	}
	args := []string{"leash", "INT", folder, "sh", "-c", k.command(programs, folder, port), "sh"}
	server, err := run(folder, leash, append(args, k.options...)...)
	if err != nil {
		return "", err
	}
	started = true
	url = k.url("127.0.0.1:" + port)
	return url, k.wait(url, folder, server)
}
