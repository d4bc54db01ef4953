package invalidation

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// settling lets readers wait for writes under way. The zero value is ready.
type settling struct {
	waiters atomic.Int32
	mu      sync.Mutex // guards moved
	moved   chan struct{}
}

// next returns what is closed when a write ends after the call.
func (s *settling) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved == nil {
		s.moved = make(chan struct{})
	}
	return s.moved
}

// ended wakes those who wait. A write that nobody waits for pays one load.
func (s *settling) ended() {
	if s.waiters.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

// Settle waits, for d and within ctx at most, until no write to tags is under
// way: what is read during one cannot be kept. It does not wait for one that was
// waited for in vain before. It reports whether there is none.
func (s *Space) Settle(ctx context.Context, tags Tags, d time.Duration) bool {
	busy := s.dirty(tags)
	if len(busy) == 0 {
		return true
	}
	for _, t := range busy {
		if t.stuck.Load() {
			return false
		}
	}
	// Counted first: a write that ends after the next look finds it.
	s.settling.waiters.Add(1)
	defer s.settling.waiters.Add(-1)
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		moved := s.settling.next()
		if busy = s.dirty(tags); len(busy) == 0 {
			return true
		}
		select {
		case <-moved:
		case <-timer.C:
			for _, t := range busy {
				t.stuck.Store(true)
			}
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// dirty returns those of the tags that are being written.
func (s *Space) dirty(tags Tags) (busy []*tag) {
	if s.all.dirty.Load() > 0 {
		busy = append(busy, &s.all)
	}
	for _, t := range tags.list {
		if t.dirty.Load() > 0 {
			busy = append(busy, t)
		}
	}
	return busy
}
