package testserver

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A kind is what the ways have to know about one sort of server.
type kind struct {
	name     string // for messages
	variable string // names a running server; with _IMAGE added, a Docker image

	image string            // for Docker, unless the variable says another
	port  string            // in the container
	env   map[string]string // of the container; for images that need telling

	programs []string // all in one folder
	folders  string   // glob of folders to look for them besides PATH
	deb      string   // Debian package that has them
	prepare  string   // shell, run before that package is installed

	options []string // to run with; also added to an image's command

	// command is a shell line that starts the server with "$@" in the
	// foreground, on a loopback port, with all of its files in folder.
	command func(programs, folder, port string) string

	// url returns the address as tests get it.
	url func(hostport string) string

	// ready returns nil once the server at url serves, and is the one whose
	// files are in folder, if that is not "": ports may get mixed up.
	ready func(ctx context.Context, url, folder string) error

	// Of a server that is one test's own: the signal that its leash ends it
	// with, the leash of its folder, and what says the number of its process.
	quit string
	keep string
	pid  func(ctx context.Context, url, folder string) (int, error)
}

// needed skips the test where no server is wanted.
func (k kind) needed(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs a " + k.name + " server")
	}
}

// patience is how long a server may take to start: seconds, but machines
// that run all tests at once are slow.
const patience = time.Minute

// wait returns nil once the server is ready. If it ends before that or takes
// too long, wait ends it and returns an error with the end of its log.
func (k kind) wait(url, folder string, server *leashed) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := k.ready(ctx, url, folder)
		if err == nil {
			return nil
		}
		select {
		case <-server.ended:
			return fmt.Errorf("it ended instead of serving; its log:\n%s", server.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v: %w; its log:\n%s", patience, err, server.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
