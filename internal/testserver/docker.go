package testserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
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

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var server *leashed
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		Started: true,
		ContainerRequest: testcontainers.ContainerRequest{
			Image:        image,
			Env:          k.env,
			ExposedPorts: []string{k.port},
			Entrypoint:   []string{"sh", "-c", leash, "leash", "INT", ""},
			Cmd:          append(command, k.options...),
			ConfigModifier: func(c *container.Config) {
				c.OpenStdin, c.StdinOnce = true, true
			},
			HostConfigModifier: func(h *container.HostConfig) {
				h.AutoRemove = true
				if here(daemon) {
					h.PortBindings = network.PortMap{network.MustParsePort(k.port): {{HostIP: netip.MustParseAddr("127.0.0.1")}}}
				}
			},
			LifecycleHooks: []testcontainers.ContainerLifecycleHooks{{
				PreStarts: []testcontainers.ContainerHook{func(ctx context.Context, c testcontainers.Container) (err error) {
					server, err = attach(ctx, daemon, c.GetContainerID())
					return err
				}},
			}},
		},
	})
	var hostport string
	if err == nil {
		hostport, err = c.PortEndpoint(ctx, k.port, "")
	}
	if err != nil {
		if server != nil {
			err = fmt.Errorf("%w; the container's log:\n%s", err, server.lastWords())
		}
		return "", errors.Join(err, testcontainers.TerminateContainer(c))
	}
	url := k.url(hostport)
	return url, k.wait(url, "", server)
}

// connect returns a client of a daemon that answers.
func connect() (*testcontainers.DockerClient, error) {
	log.SetDefault(log.NewNoopLogger())
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
