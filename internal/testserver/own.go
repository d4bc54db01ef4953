package testserver

import (
	"context"
	"net"
	"syscall"
	"testing"
)

// An own server is one test's: what a RedisServer and a PostgresServer have in
// common.
type own struct {
	t       testing.TB
	kind    kind
	on      machine
	options []string // lines of its configuration
	folder  string
	addr    string   // host:port
	line    string   // shell that starts it, with the options
	keeper  *leashed // of the folder
	process *leashed // nil while there is none
	pid     int
}

// open starts the server for the first time, with the line for its folder and
// port.
func (s *own) open(line func(folder, port string) string) {
	s.t.Helper()
	s.t.Cleanup(s.end)
	err := s.launch(line)
	if err != nil {
		s.end()
		err = s.launch(line) // see local
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *own) launch(line func(folder, port string) string) error {
	port, err := s.on.port()
	if err != nil {
		return err
	}
	s.folder, s.keeper, err = s.on.folder(s.kind.keep)
	if err != nil {
		return err
	}
	s.addr, s.line = net.JoinHostPort("127.0.0.1", port), line(s.folder, port)
	return s.start()
}

func (s *own) start() error {
	args := []string{"leash", s.kind.quit, "", "sh", "-c", s.line, "sh"}
	process, err := s.on.run(s.folder, leash, append(args, s.options...)...)
	if err != nil {
		return err
	}
	s.process = process
	url := s.kind.url(s.addr)
	if err := s.kind.wait(url, s.folder, process); err != nil {
		return err
	}
	s.pid, err = s.kind.pid(context.Background(), url, s.folder)
	return err
}

// Start starts a server that was killed or shut down again, and returns when
// it serves what it has kept.
func (s *own) Start() {
	s.t.Helper()
	if s.process != nil {
		s.t.Fatal("Start: the server was not killed")
	}
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// await returns when the server, which is told to, has ended.
func (s *own) await() {
	<-s.process.ended
	s.process, s.pid = nil, 0
}

func (s *own) end() {
	if s.process != nil {
		s.process.let()
		s.await()
	}
	if s.keeper != nil {
		s.keeper.let()
		<-s.keeper.ended
	}
}

func (s *own) ended() bool {
	select {
	case <-s.process.ended:
		return true
	default:
		return false
	}
}

// check fails the test if there is no server to signal.
func (s *own) check(signal syscall.Signal) {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatalf("%v: the server was killed or shut down", signal)
	}
	if s.ended() { // and its number may be another's
		s.t.Fatalf("%v: the server has ended by itself; its log:\n%s", signal, s.process.lastWords())
	}
}
