// Package busy measures how late this machine runs what is due, for tests that
// say what something may take: where many things run at once, a bound on a time
// has to be widened by as much.
package busy

import (
	"sync"
	"testing"
	"time"
)

// A Watch notes by how much its timers are late. It is safe for concurrent use.
type Watch struct {
	mu   sync.Mutex // guards late
	late []delay
}

type delay struct {
	at time.Time
	by time.Duration
}

const (
	tick = 5 * time.Millisecond
	// usual is by how much a timer may be late without being noted.
	usual = time.Millisecond
)

// New returns a Watch that ends with the test.
func New(t testing.TB) *Watch {
	w := new(Watch)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for before := time.Now(); ; before = time.Now() {
			select {
			case <-stop:
				return
			case <-time.After(tick):
			}
			w.note(time.Now(), time.Since(before)-tick)
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return w
}

func (w *Watch) note(at time.Time, by time.Duration) {
	if by <= usual {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = append(w.late, delay{at, by})
}

// wakings are the timers and wakings that are on the way of most things that
// are waited for.
const wakings = 3

// Margin returns by how much what has begun at a time may have been held up: it
// waits for a few timers and wakings, and each may have been as late as the
// latest that was seen since.
func (w *Watch) Margin(since time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	worst := time.Duration(0)
	for _, d := range w.late {
		if d.at.After(since) {
			worst = max(worst, d.by)
		}
	}
	return wakings * worst
}
