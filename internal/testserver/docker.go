package testserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// docker starts a server in a container. The container is on the leash like a
// local server is, its standard input being attached to this process, and
// removes itself. So there is no need for ryuk, the container with which
// testcontainers cleans up, and whose image is not to be had everywhere.
func docker(k kind) (string, error) {
	daemon, err := connect()
	if err != nil {
		return "", err
	}
	defer func() { _ = daemon.Close() }()
	image := cmp.Or(os.Getenv(k.variable+"_IMAGE"), k.image)
	command, err := fetch(daemon, image)
	if err != nil {
		return "", err
	}

	c, server, err := contain(daemon, testcontainers.ContainerRequest{
		Image:        image,
		Env:          k.env,
		ExposedPorts: []string{k.port},
		Entrypoint:   []string{"sh", "-c", leash, "leash", "INT", ""},
		Cmd:          append(command, k.options...),
	}, func(network.Port) string { return "" })
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	hostport, err := c.PortEndpoint(ctx, k.port, "")
	if err != nil {
		return "", fmt.Errorf("%w; the container's log:\n%s", err, server.lastWords())
	}
	url := k.url(hostport)
	return url, k.wait(url, "", server)
}

// contain starts a container on the leash that its entrypoint is. Ports are
// published on 127.0.0.1, as published says; "" is any.
func contain(daemon *testcontainers.DockerClient, request testcontainers.ContainerRequest,
	published func(network.Port) string,
) (testcontainers.Container, *leashed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var server *leashed
	request.ConfigModifier = func(c *container.Config) {
		c.OpenStdin, c.StdinOnce = true, true
	}
	request.HostConfigModifier = func(h *container.HostConfig) {
		h.AutoRemove = true
		if here(daemon) {
			h.PortBindings = make(network.PortMap)
			for _, port := range request.ExposedPorts {
				port := network.MustParsePort(port)
				h.PortBindings[port] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: published(port)}}
			}
		}
	}
	request.LifecycleHooks = []testcontainers.ContainerLifecycleHooks{{
		PreStarts: []testcontainers.ContainerHook{func(ctx context.Context, c testcontainers.Container) (err error) {
			server, err = attach(ctx, daemon, c.GetContainerID())
			return err
		}},
	}}
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		Started: true, ContainerRequest: request,
	})
	if err != nil {
		if server != nil {
			err = fmt.Errorf("%w; the container's log:\n%s", err, server.lastWords())
		}
		return nil, nil, errors.Join(err, testcontainers.TerminateContainer(c))
	}
	return c, server, nil
}

// quiet is once because it is not safe for concurrent use.
var quiet = sync.OnceFunc(func() { log.SetDefault(log.NewNoopLogger()) })

// connect returns a client of a daemon that answers.
func connect() (*testcontainers.DockerClient, error) {
	quiet()
	if err := preset("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	daemon, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, err
	}
	if here(daemon) {
		// Or it takes a file that says we are in a container ourselves for
		// a sign that the daemon is not.
		err = preset("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
	}
	return daemon, err
}

// preset sets a variable of the environment unless it is set.
func preset(variable, value string) error {
	if _, ok := os.LookupEnv(variable); ok {
		return nil
	}
	return os.Setenv(variable, value)
}

// here reports whether the daemon is on this machine, and so the ports that
// it publishes.
func here(daemon *testcontainers.DockerClient) bool {
	return strings.HasPrefix(daemon.DaemonHost(), "unix:")
}
