package testserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
)

// A box is a container in which all servers of a set run. So they reach each
// other at the addresses at which clients reach them: 127.0.0.1 and ports that
// are published under their own numbers.
type box struct {
	daemon    *testcontainers.DockerClient
	container testcontainers.Container
	leash     *leashed
	ports     []string // that no server has yet
}

// room is how many servers a box is for.
const room = 8

func newBox(k kind) (*box, error) {
	daemon, err := connect()
	if err != nil {
		return nil, err
	}
	b := &box{daemon: daemon}
	if err = b.start(k); err != nil {
		err = b.start(k) // see local
	}
	if err != nil {
		return nil, errors.Join(err, daemon.Close())
	}
	return b, nil
}

func (b *box) start(k kind) error {
	if !here(b.daemon) {
		return errors.New("the daemon is on another machine, where addresses mean something else")
	}
	image := cmp.Or(os.Getenv(k.variable+"_IMAGE"), k.image)
	if _, err := fetch(b.daemon, image); err != nil {
		return err
	}
	b.ports = nil
	for len(b.ports) < room {
		port, err := lastingPort()
		if err != nil {
			return err
		}
		if !slices.Contains(b.ports, port) {
			b.ports = append(b.ports, port)
		}
	}
	var err error
	b.container, b.leash, err = contain(b.daemon, testcontainers.ContainerRequest{
		Image:        image,
		ExposedPorts: b.ports,
		Entrypoint:   []string{"sh", "-c", keep, "keep"},
		Cmd:          []string{""}, // no folder; and not the image's command
	}, network.Port.Port)
	return err
}

func (b *box) program(name string) string { return name }
func (b *box) bind() string               { return "0.0.0.0" }

func (b *box) port() (string, error) {
	if len(b.ports) == 0 {
		return "", fmt.Errorf("no port is left of the %d that its container has published", room)
	}
	port := b.ports[0]
	b.ports = b.ports[1:]
	return port, nil
}

// folder returns one that run makes and that goes with the container.
func (b *box) folder(string) (string, *leashed, error) { return "/tmp/" + rand.Text(), nil, nil }

func (b *box) run(folder, script string, args ...string) (*leashed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	script = "mkdir -p " + folder + " && cd " + folder + " || exit\n" + script
	return execute(ctx, b.daemon, b.container.GetContainerID(), append([]string{"sh", "-c", script}, args...)...)
}

func (b *box) kill(pid int, signal syscall.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// By the shell: not every image has the program.
	code, out, err := b.container.Exec(ctx, []string{"sh", "-c", fmt.Sprintf("kill -%d %d", signal, pid)})
	if err != nil || code == 0 {
		return err
	}
	text, err := io.ReadAll(out)
	return errors.Join(fmt.Errorf("exit status %d: %s", code, text), err)
}

func (b *box) end() {
	b.leash.let()
	<-b.leash.ended
	_ = b.daemon.Close()
}
