package testserver

import (
	"errors"
	"syscall"
	"time"
)

const cont = syscall.SIGCONT

// Kill ends all processes of the server by SIGKILL, so that none tells its
// client, and returns when they have ended.
func (s *PostgresServer) Kill() {
	s.t.Helper()
	s.check(syscall.SIGKILL)
	// First the one that would start others, or see to it that they end well.
	all, err := s.stopAll()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range all {
		_ = syscall.Kill(p.pid, syscall.SIGKILL) // stopped, it cannot have ended
	}
	s.await()
	for _, p := range all { // or they would be in the way of the next
		poll(s.t, p.gone)
	}
}

// Shutdown ends the server as an administrator does, who does not wait for
// clients, and returns when it has ended.
func (s *PostgresServer) Shutdown() {
	s.t.Helper()
	s.check(syscall.SIGINT)
	if err := syscall.Kill(s.pid, syscall.SIGINT); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.process.ended:
	case <-time.After(patience):
		s.t.Fatalf("Shutdown: not after %v; its log:\n%s", patience, tail(s.process.log))
	}
	s.await()
}

// Restart is Shutdown and Start.
func (s *PostgresServer) Restart() {
	s.t.Helper()
	s.Shutdown()
	s.Start()
}

// Stop makes all processes of the server do nothing, by SIGSTOP: connections
// stay, and the system accepts new ones, but there is no answer until Cont.
func (s *PostgresServer) Stop() {
	s.t.Helper()
	s.check(syscall.SIGSTOP)
	if _, err := s.stopAll(); err != nil {
		s.t.Fatal(err)
	}
}

// Cont lets a stopped server continue, with what was sent to it meanwhile.
func (s *PostgresServer) Cont() {
	s.t.Helper()
	s.check(cont)
	if err := s.signalAll(cont); err != nil {
		s.t.Fatal(err)
	}
}

// stopAll stops the processes of the server and returns them.
func (s *PostgresServer) stopAll() ([]process, error) {
	first, err := stop(s.pid)
	if err != nil {
		return nil, err
	}
	// It starts no others now.
	children, err := childrenOf(s.pid)
	if err != nil {
		return nil, err
	}
	all := []process{first}
	for _, child := range children {
		p, err := stop(child.pid)
		if errors.Is(err, errGone) {
			continue // and its number is not another's before the postmaster has waited for it
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (s *PostgresServer) signalAll(signal syscall.Signal) error {
	children, err := childrenOf(s.pid)
	if err != nil {
		return err
	}
	for _, child := range children {
		if err := syscall.Kill(child.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return syscall.Kill(s.pid, signal)
}
