package testserver

import (
	"os"
	"syscall"
	"testing"
)

// A machine is where servers run that are one test's own: this one, or a
// container.
type machine interface {
	// program returns what a shell there calls a server's program.
	program(name string) string
	// bind returns the address that a server listens on.
	bind() string
	// port returns a port for one server, the same there and on 127.0.0.1 here.
	port() (string, error)
	// folder returns one for one server, and the leash, a script with one
	// argument, that removes it; nil if it goes with the machine.
	folder(keep string) (string, *leashed, error)
	// run starts a shell script in a folder.
	run(folder, script string, args ...string) (*leashed, error)
	// kill sends a signal.
	kill(pid int, signal syscall.Signal) error
	// end ends the machine.
	end()
}

// setMachine returns a machine, for as long as the test lasts, for the servers
// of a set.
func setMachine(t testing.TB) machine {
	t.Helper()
	redis.needed(t)
	m, err := first(redis, machines)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.end)
	return m
}

// A host is this machine with a folder of programs.
type host string

func newHost(programs string, err error) (machine, error) { return host(programs), err }

func (h host) program(name string) string { return `"` + string(h) + `"/` + name }
func (h host) bind() string               { return "127.0.0.1" }
func (h host) port() (string, error)      { return lastingPort() }
func (h host) end()                       {}

func (h host) folder(keep string) (string, *leashed, error) {
	folder, err := os.MkdirTemp("", "querycache-test-")
	if err != nil {
		return "", nil, err
	}
	keeper, err := run(folder, keep, "keep", folder)
	if err != nil {
		_ = os.RemoveAll(folder) // err is worse
	}
	return folder, keeper, err
}

func (h host) run(folder, script string, args ...string) (*leashed, error) {
	return run(folder, script, args...)
}

func (h host) kill(pid int, signal syscall.Signal) error { return syscall.Kill(pid, signal) }
