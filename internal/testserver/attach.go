package testserver

import (
	"context"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// attach connects the input and the output of a container, which is yet to be
// started, to this process. The daemon closes the input when the process ends.
func attach(ctx context.Context, daemon *testcontainers.DockerClient, id string) (*leashed, error) {
	log, err := unlinked()
	if err != nil {
		return nil, err
	}
	streams, err := daemon.ContainerAttach(ctx, id, client.ContainerAttachOptions{
		Stream: true, Stdin: true, Stdout: true, Stderr: true,
	})
	if err != nil {
		return nil, err
	}
	server := &leashed{ended: make(chan struct{}), let: streams.Close, log: log}
	go func() {
		defer close(server.ended)
		defer streams.Close()
		_, _ = stdcopy.StdCopy(log, log, streams.Reader) // until the end, whatever its reason
	}()
	return server, nil
}
