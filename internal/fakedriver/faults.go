package fakedriver

import (
	"database/sql/driver"
	"slices"
	"sync"
	"time"
)

// An Op is something that database/sql asks of a driver. Each is counted, and
// most can be told to fail.
type Op int

// The operations. OpStatement stands for OpQuery and OpExec, prepared or not;
// OpEnd is the Next behind the last row.
const (
	OpConnect Op = iota
	OpClose
	OpPrepare
	OpCloseStmt
	OpQuery
	OpEnd
	OpExec
	OpStatement
	OpBegin
	OpCommit
	OpRollback
	OpReset
	OpValid
	OpPing
	OpCloseConnector
	opEnd
)

// An Error is what the database says of a statement. Layers above the driver
// pass it on as it is.
type Error struct{ Text string }

// Error implements error.
func (e *Error) Error() string { return "fakedriver: " + e.Text }

type fault struct {
	n   int // how often; below 0: always
	err error
}

func (f *fault) take() error {
	if f.n == 0 {
		return nil
	}
	if f.n > 0 {
		f.n--
	}
	return f.err
}

// Fail makes the next n operations fail with err before anything is done;
// n below 0 means all of them, 0 ends that. IsValid answers false instead.
func (s *Server) Fail(op Op, n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[op] = fault{n, err}
}

// FailAfter is Fail, but for an operation that is done nevertheless. It works
// for OpExec and OpCommit.
func (s *Server) FailAfter(op Op, n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after[op] = fault{n, err}
}

// Delay makes each operation take a time before it does anything or fails, for
// OpConnect, OpQuery, OpExec and OpCommit. A context that ends does not shorten it.
func (s *Server) Delay(op Op, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays[op] = d
}

// Panic makes the next n operations panic before anything is done.
func (s *Server) Panic(op Op, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panics[op] = n
}

// Most returns how many operations were in their [Server.Delay] at the same time.
func (s *Server) Most(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most[op]
}

// Count returns how often an operation was asked for, also if it failed.
func (s *Server) Count(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[op]
}

// Seen returns how often a statement arrived, prepared or not. Its comments
// are left out.
func (s *Server) Seen(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.texts[normal(text)]
}

// Begins returns the options of every BeginTx, in order; those of Begin are
// zero.
func (s *Server) Begins() []driver.TxOptions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.begins)
}

// sees counts an operation and returns the error it has to fail with.
func (s *Server) sees(op Op) error {
	s.mu.Lock()
	s.counts[op]++
	s.mu.Unlock()
	return s.delayed(op)
}

// seesStatement is sees for a statement that arrives.
func (s *Server) seesStatement(op Op, text string) error {
	s.mu.Lock()
	s.counts[op]++
	s.counts[OpStatement]++
	s.texts[normal(text)]++
	s.mu.Unlock()
	if err := s.delayed(op); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.before[OpStatement].take()
}

// delayed returns the error that op has to fail with, after its delay.
func (s *Server) delayed(op Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.delays[op]; d > 0 {
		s.running[op]++
		s.most[op] = max(s.most[op], s.running[op])
		s.mu.Unlock()
		time.Sleep(d)
		s.mu.Lock()
		s.running[op]--
	}
	if s.panics[op] > 0 {
		s.panics[op]--
		panic("fakedriver: told to panic")
	}
	return s.before[op].take()
}

func (s *Server) did(op Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.after[op].take()
}

// An Event is a place where a statement waits. It happens once: further
// statements of its name find it released. It is safe for concurrent use.
type Event struct {
	reached, released chan struct{}
	reach, release    sync.Once
}

// Event returns the event of a name.
func (s *Server) Event(name string) *Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.events[name]
	if e == nil {
		e = &Event{reached: make(chan struct{}), released: make(chan struct{})}
		s.events[name] = e
	}
	return e
}

// Again makes the event of a name happen once more.
func (s *Server) Again(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.events, name)
}

// Reached is closed when a statement waits.
func (e *Event) Reached() <-chan struct{} { return e.reached }

// Release lets the statements go on.
func (e *Event) Release() { e.release.Do(func() { close(e.released) }) }

func (e *Event) wait(done <-chan struct{}) {
	e.reach.Do(func() { close(e.reached) })
	select {
	case <-e.released:
	case <-done:
	}
}
