package testserver

import "syscall"

// Kill ends the server by SIGKILL and returns when it has ended.
func (s *RedisServer) Kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	s.await()
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
	s.check(signal)
	if err := s.on.kill(s.pid, signal); err != nil {
		s.t.Fatalf("%v: %v", signal, err)
	}
}
