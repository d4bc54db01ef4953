package invalidation

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hear makes all nodes hear what nobody has bumped.
func (s *memStore) hear(h Hint) {
	s.set(func() {
		for _, hear := range s.listeners {
			go hear(h)
		}
	})
}

// Whoever may publish can say that a bump of the far future has been: what was
// stamped with it would never become invalid. The next Sync finds out.
func TestHintOfTheFuture(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		a.write(t, "t:x")
		synctest.Wait()
		s.hear(Hint{Epoch: a.Stamp().Epoch, Seq: 1 << 60, Tags: []string{"t:x"}})
		synctest.Wait()
		poisoned := b.read(t, "t:x")
		time.Sleep(2 * nodeConfig.Poll)
		a.write(t, "t:x")
		time.Sleep(2 * nodeConfig.Poll)
		for _, n := range m {
			if own, shared := n.serves(poisoned); own || shared {
				t.Errorf("a row from before a write is shown: own %v, shared %v", own, shared)
			}
		}
		again := b.read(t, "t:x")
		if own, shared := b.serves(again); !own || !shared {
			t.Error("nothing is kept any more")
		}
		a.write(t, "t:x")
		synctest.Wait()
		if own, shared := b.serves(again); own || shared {
			t.Error("a write is not heard of any more")
		}
	})
}

// The hints of another fleet, on another database of the same Redis, say, do not
// make nodes ask each time.
func TestHintsOfOthers(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		before := 0
		s.set(func() { before = s.calls })
		start := time.Now()
		for i := range 1000 {
			s.hear(Hint{Epoch: fmt.Sprint("other", i%3), Seq: uint64(i), Tags: []string{"t:x"}})
			time.Sleep(time.Millisecond)
			m[0].Touch()
			m[1].Touch()
		}
		took := time.Since(start)
		polls := 2 * int(took/(nodeConfig.Poll*4/5)+1)
		s.set(func() {
			if n := s.calls - before; n > polls+2*int(took/foreignPause+1) {
				t.Errorf("%d Syncs of 2 nodes in %v", n, took)
			}
		})
		// One of a new epoch of their own is heard of at once all the same.
		time.Sleep(nodeConfig.Poll)
		m[0].write(t, "t:x")
		s.flush()
		m[0].write(t, "t:x")
		time.Sleep(foreignPause)
		synctest.Wait()
		if a, b := m[0].Stamp(), m[1].Stamp(); a.Epoch != b.Epoch {
			t.Error("a new epoch was not asked for")
		}
	})
}

// A token of a new epoch is reached when what was known before is void, not when
// the epoch is known.
func TestReachedAfterTheRest(t *testing.T) {
	cfg := nodeConfig
	early := func() bool { return false }
	cfg.Altered = func() {
		if early() {
			t.Error("a token is reached while rows of the epoch before it are shown")
		}
	}
	fleet(t, cfg, "a", func(t *testing.T, s *memStore, m []*member) {
		a := m[0]
		old := a.read(t, "t:x")
		early = func() bool {
			v := a.view.Load()
			return v.reached(v.stamp()) && old.local.Valid()
		}
		s.flush()
		if !a.Reach(t.Context(), FleetStamp{"gone", 1}) {
			t.Fatal("the new epoch is not reached")
		}
		if v := a.view.Load(); !v.reached(v.stamp()) {
			t.Error("its token is not reached")
		}
	})
}

// A bump that is known already may have been heard of just now, and not been acted
// upon: until it has, no token is reached by it.
func TestReachedWhileHearing(t *testing.T) {
	cfg := nodeConfig
	var hold atomic.Pointer[chan struct{}]
	cfg.Altered = func() {
		if gate := hold.Load(); gate != nil {
			<-*gate
		}
	}
	fleet(t, cfg, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		old := b.read(t, "t:x")
		s.set(func() { s.noHints = true })
		w := a.space.Begin(a.space.Tags(Schema))
		w.End(false)
		token := a.Told()
		gate := make(chan struct{})
		hold.Store(&gate)
		go b.hint(Hint{Epoch: token.Epoch, Seq: token.Seq, Tags: []string{Schema}})
		synctest.Wait()
		if b.Reach(t.Context(), token) && old.local.Valid() {
			t.Error("reached, and the old row is shown")
		}
		hold.Store(nil)
		close(gate)
		if !b.Reach(t.Context(), token) || old.local.Valid() {
			t.Error("not reached when it was acted upon")
		}
	})
}
