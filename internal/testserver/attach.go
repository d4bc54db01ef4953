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
	streams, err := daemon.ContainerAttach(ctx, id, client.ContainerAttachOptions{
		Stream: true, Stdin: true, Stdout: true, Stderr: true,
	})
	if err != nil {
		return nil, err
	}
	return hold(streams.HijackedResponse)
}

// execute runs a command in a container, connected to this process like that.
func execute(ctx context.Context, daemon *testcontainers.DockerClient, id string, command ...string) (*leashed, error) {
	exec, err := daemon.ExecCreate(ctx, id, client.ExecCreateOptions{
		AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: command,
	})
	if err != nil {
		return nil, err
	}
	streams, err := daemon.ExecAttach(ctx, exec.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	return hold(streams.HijackedResponse)
}

func hold(streams client.HijackedResponse) (*leashed, error) {
	log, err := unlinked()
	if err != nil {
		streams.Close()
		return nil, err
	}
	server := &leashed{ended: make(chan struct{}), let: func() { _ = streams.CloseWrite() }, log: log}
	go func() {
		defer close(server.ended)
		defer streams.Close()
		_, _ = stdcopy.StdCopy(log, log, streams.Reader) // until the end, whatever its reason
	}()
	return server, nil
}
