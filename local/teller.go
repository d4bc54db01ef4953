package local

import (
	"sync"
	"sync/atomic"
)

// maxUntold bounds the removals that wait for a slow hook: 1 MiB of them.
const maxUntold = 64 << 10

// A teller tells a hook of removals, one after the other on a goroutine of its
// own: they happen under otter's locks, where no foreign code may run.
type teller struct {
	hook    func(Removal)
	dropped *atomic.Int64

	mu      sync.Mutex // guards following
	waiting []Removal
	closed  bool

	wake chan struct{} // holds one token if there may be something to tell
	done sync.WaitGroup
}

func newTeller(hook func(Removal), dropped *atomic.Int64) *teller {
	t := &teller{hook: hook, dropped: dropped, wake: make(chan struct{}, 1)}
	t.done.Go(t.run)
	return t
}

// add never waits for the hook. What is too much for it is counted instead.
func (t *teller) add(r Removal) {
	t.mu.Lock()
	full := t.closed || len(t.waiting) >= maxUntold
	if !full {
		t.waiting = append(t.waiting, r)
	}
	t.mu.Unlock()
	if full {
		t.dropped.Add(1)
		return
	}
	t.signal()
}

func (t *teller) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *teller) run() {
	for range t.wake {
		t.mu.Lock()
		batch, closed := t.waiting, t.closed
		t.waiting = nil
		t.mu.Unlock()
		for _, r := range batch {
			t.hook(r)
		}
		if closed {
			return
		}
	}
}

// close tells what is left and returns when the hook has.
func (t *teller) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.signal()
	t.done.Wait()
}
