package testserver

import "syscall"

// Kill ends the server by SIGKILL and returns when it has ended.
func (s *RedisServer) Kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.process.ended
	s.process = nil
}

// Start starts a killed server again and returns when it serves what it has
// kept.
func (s *RedisServer) Start() {
	s.t.Helper()
	if s.process != nil {
		s.t.Fatal("Start: the server was not killed")
	}
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Stop makes the server do nothing, by SIGSTOP: connections stay, and the
// system accepts new ones, but there is no answer until Cont.
func (s *RedisServer) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
}

// Cont lets a stopped server continue, with what was sent to it meanwhile.
func (s *RedisServer) Cont() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
}

func (s *RedisServer) signal(signal syscall.Signal) {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatalf("%v: the server is killed", signal)
	}
	select {
	case <-s.process.ended: // and its number may be another's
		s.t.Fatalf("%v: the server has ended by itself; its log:\n%s", signal, s.process.lastWords())
	default:
	}
	if err := syscall.Kill(s.pid, signal); err != nil {
		s.t.Fatalf("%v: %v", signal, err)
	}
}
