package testserver

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// stall is how long a pull may show no progress. It is short because without
// a way to the registry there is another way to a server.
const stall = 5 * time.Second

// images are what has been fetched, or could not be.
var images sync.Map

// fetch makes sure that the daemon has the image, and returns the command
// that the image runs. It tries once, as that may take a while in vain.
func fetch(daemon *testcontainers.DockerClient, image string) ([]string, error) {
	once, _ := images.LoadOrStore(image, sync.OnceValues(func() ([]string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), stall)
		defer cancel()
		found, err := daemon.ImageInspect(ctx, image)
		if err != nil {
			if perr := pull(daemon, image); perr != nil {
				return nil, fmt.Errorf("image %s: %w; pulling it: %w", image, err, perr)
			}
			found, err = daemon.ImageInspect(context.Background(), image)
		}
		if err != nil {
			return nil, err
		}
		if found.Config == nil {
			return nil, fmt.Errorf("image %s says no command", image)
		}
		return slices.Concat(found.Config.Entrypoint, found.Config.Cmd), nil
	}))
	return once.(func() ([]string, error))()
}

func pull(daemon *testcontainers.DockerClient, image string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("no progress for %v", stall)) })
	defer watch.Stop()
	progress, err := daemon.ImagePull(ctx, image, client.ImagePullOptions{})
	if err != nil {
		return because(ctx, err)
	}
	for message, err := range progress.JSONMessages(ctx) {
		if err != nil {
			return because(ctx, err)
		}
		if message.Error != nil {
			return message.Error
		}
		watch.Reset(stall)
	}
	return nil
}

// because returns why the context ended, or err if it did not.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
