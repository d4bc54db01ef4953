package stampede

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a [Limiter] waits without any load ending.
const patience = time.Second

// A Limiter bounds how many loads run at the same time: the last defence of a
// database after everything that was cached is gone. Make it with [NewLimiter];
// it is safe for concurrent use.
type Limiter struct {
	places chan struct{} // holds a token for each load that runs
	ended  atomic.Int64  // counts them as they end

	waited, overran atomic.Int64

	mu       sync.Mutex // guards following
	since    time.Time
	relieved int // that went on without a place since then
}

// NewLimiter returns a limiter for n loads at a time, at least 1.
func NewLimiter(n int) *Limiter { return &Limiter{places: make(chan struct{}, max(n, 1))} }

// Acquire waits for a place. It returns what gives it back, once, or the
// context's error.
//
// It waits for as long as loads end. When none has for a second, those that run
// hang, and whoever waits must not hang with them: it goes on without a place. In
// each second only as many do as there are places: loads that hang cannot be told
// from those of a database that is too busy.
func (l *Limiter) Acquire(ctx context.Context) (release func(), err error) {
	if release, ok := l.Try(); ok {
		return release, nil
	}
	l.waited.Add(1)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for seen := l.ended.Load(); ; {
		select {
		case l.places <- struct{}{}:
			return l.release, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
		}
		now := l.ended.Load()
		if now == seen && l.relieve() {
			l.overran.Add(1)
			return func() { l.ended.Add(1) }, nil
		}
		seen = now
		timer.Reset(patience)
	}
}

func (l *Limiter) relieve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.since) >= patience {
		l.since, l.relieved = now, 0
	}
	if l.relieved == cap(l.places) {
		return false
	}
	l.relieved++
	return true
}

// Try takes a place if there is one now.
func (l *Limiter) Try() (release func(), ok bool) {
	select {
	case l.places <- struct{}{}:
		return l.release, true
	default:
		return nil, false
	}
}

func (l *Limiter) release() {
	l.ended.Add(1)
	<-l.places
}

// Stats returns how many callers had to wait, and how many of them went on
// without a place.
func (l *Limiter) Stats() (waited, overran int64) { return l.waited.Load(), l.overran.Load() }
