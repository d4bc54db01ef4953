package wrap

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A shelf holds the idle real connections of one connector and bounds all of
// them.
type shelf struct {
	limits Limits
	// tokens bounds the connections in use; nil if there is no limit. As a
	// connection is only dialled with a token and an empty shelf, in use
	// and idle together never exceed the limit.
	tokens chan struct{}

	mu      sync.Mutex // guards following, and real.retired
	idle    []*real    // the one returned last at the end
	open    int        // idle, in use or being dialled
	virtual int        // virtual connections open
	dials   int64
	waits   int64
	closed  bool
	// over is called once when closed is set and open is 0. Until the shelf is
	// closed it is not.
	over func()
}

func newShelf(limits Limits, over func()) *shelf {
	s := &shelf{limits: limits, over: over}
	if limits.Max > 0 {
		s.tokens = make(chan struct{}, limits.Max)
	}
	return s
}

// acquire waits for the right to use one more connection.
func (s *shelf) acquire(ctx context.Context) error {
	if s.tokens == nil {
		return nil
	}
	select {
	case s.tokens <- struct{}{}:
		return nil
	default:
	}
	s.mu.Lock()
	s.waits++
	s.mu.Unlock()
	select {
	case s.tokens <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) release() {
	if s.tokens != nil {
		<-s.tokens
	}
}

// take removes an idle connection, prefer if it is there (its prepared
// statements are the caller's), else the one used last. It returns nil if the
// caller has to dial; that connection is counted as open already.
func (s *shelf) take(prefer *real) *real {
	for {
		s.mu.Lock()
		n := len(s.idle)
		if n == 0 {
			s.open++
			s.dials++
			s.mu.Unlock()
			return nil
		}
		i := n - 1
		if prefer != nil && s.idle[i] != prefer {
			if at := slices.Index(s.idle, prefer); at >= 0 {
				i = at
			}
		}
		r := s.idle[i]
		s.idle = slices.Delete(s.idle, i, i+1)
		retired := r.retired
		r.retired = nil
		s.mu.Unlock()
		if s.expired(r) {
			s.discard(r)
			continue
		}
		for _, p := range retired {
			_ = p.close() // nobody is left to tell
		}
		return r
	}
}

func (s *shelf) expired(r *real) bool {
	l := s.limits
	return l.MaxLifetime > 0 && time.Since(r.opened) > l.MaxLifetime ||
		l.MaxIdleTime > 0 && time.Since(r.returned) > l.MaxIdleTime
}

// put gives a connection back.
func (s *shelf) put(r *real) {
	if s.limits.MaxIdleTime > 0 {
		r.returned = time.Now()
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.discard(r)
		return
	}
	s.idle = append(s.idle, r)
	over := s.trimLocked()
	s.mu.Unlock()
	s.discard(over...)
}

// trimLocked takes those idle longest that are too many.
func (s *shelf) trimLocked() []*real {
	keep := s.virtual
	if m := s.limits.MaxIdle; m > 0 {
		keep = min(keep, m)
	}
	n := len(s.idle) - keep
	if n <= 0 {
		return nil
	}
	over := slices.Clone(s.idle[:n])
	s.idle = slices.Delete(s.idle, 0, n)
	return over
}

// arrive and leave count virtual connections. When one leaves, what it may
// have kept warm goes too: so closing all virtual ones closes all real ones.
func (s *shelf) arrive() {
	s.mu.Lock()
	s.virtual++
	s.mu.Unlock()
}

func (s *shelf) leave() {
	s.mu.Lock()
	s.virtual--
	over := s.trimLocked()
	s.mu.Unlock()
	s.discard(over...)
}

// drain closes all idle connections: one was found broken, and database/sql's
// retries end with a connection that it believes to be newly opened.
func (s *shelf) drain() {
	s.mu.Lock()
	over := s.idle
	s.idle = nil
	s.mu.Unlock()
	s.discard(over...)
}

// retire closes a statement whose connection the caller does not hold: now if
// the connection is idle, else when it is next taken.
func (s *shelf) retire(p *prepared) error {
	s.mu.Lock()
	r := p.on
	i := slices.Index(s.idle, r)
	if i < 0 {
		r.retired = append(r.retired, p)
		s.mu.Unlock()
		return nil
	}
	s.idle = slices.Delete(s.idle, i, i+1)
	s.mu.Unlock()
	err := p.close()
	s.put(r)
	return err
}

// discard closes connections that nobody will use again.
func (s *shelf) discard(list ...*real) {
	for _, r := range list {
		_ = r.close() // nobody is left to tell
		s.forget()
	}
}

// forget uncounts a connection that was closed or never opened.
func (s *shelf) forget() {
	s.mu.Lock()
	s.open--
	over := s.overLocked()
	s.mu.Unlock()
	over()
}

// close closes the idle connections, and those in use when they come back. What
// it returns is to be called at the end of closing.
func (s *shelf) close() (end func()) {
	s.mu.Lock()
	s.open++ // holds back the end
	s.closed = true
	s.mu.Unlock()
	s.drain()
	return s.forget
}

func (s *shelf) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *shelf) overLocked() (over func()) {
	if !s.closed || s.open > 0 || s.over == nil {
		return func() {}
	}
	over, s.over = s.over, nil
	return over
}
