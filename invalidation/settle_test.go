package invalidation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSpace()
		tags := s.Tags("a", "b")
		settle := func(ctx context.Context, want bool, took time.Duration) {
			t.Helper()
			start := time.Now()
			if got := s.Settle(ctx, tags, time.Second); got != want || time.Since(start) != took {
				t.Errorf("%v after %v, want %v after %v", got, time.Since(start), want, took)
			}
		}
		settle(t.Context(), true, 0)
		other := s.Begin(s.Tags("c"))
		settle(t.Context(), true, 0)
		for _, written := range []Tags{s.Tags("b"), Everything()} {
			w := s.Begin(written)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			settle(ctx, false, time.Millisecond)
			cancel()
			settle(t.Context(), false, time.Second)
			settle(t.Context(), false, 0) // it was waited for in vain
			w.End(false)
			w = s.Begin(written)
			go func() {
				time.Sleep(100 * time.Millisecond)
				other.End(false) // wakes it, and says nothing
				time.Sleep(100 * time.Millisecond)
				w.End(false)
			}()
			settle(t.Context(), true, 200*time.Millisecond)
			synctest.Wait()
			other = s.Begin(s.Tags("c"))
		}
		if n := s.settling.waiters.Load(); n != 0 {
			t.Errorf("%d wait at the end", n)
		}
	})
}

// A load that is under way is still good for those who come while a write is,
// not for those who come after its end.
func TestCurrent(t *testing.T) {
	s := NewSpace()
	for name, written := range map[string]Tags{"its tag": s.Tags("a"), "everything": Everything()} {
		st := stampOf(t, s, "a")
		w := s.Begin(written)
		if !st.Current() || st.Valid() {
			t.Errorf("%s, under way: current %v, valid %v", name, st.Current(), st.Valid())
		}
		w.Bump()
		if st.Current() {
			t.Errorf("%s: current although some of it may be visible", name)
		}
		st = stampOf(t, s, "a")
		w.Cancel()
		if !st.Current() {
			t.Errorf("%s: not current although nothing was written", name)
		}
		w = s.Begin(written)
		w.End(false)
		if st.Current() {
			t.Errorf("%s: current after its end", name)
		}
	}
	var zero Stamp
	if zero.Current() {
		t.Error("a stamp that was never taken is current")
	}
}
