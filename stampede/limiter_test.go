package stampede

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(4)
		var running, most atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				release, err := l.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				defer release()
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(500 * time.Millisecond)
				running.Add(-1)
			})
		}
		wg.Wait()
		if waited, overran := l.Stats(); most.Load() != 4 || waited != 96 || overran != 0 {
			t.Errorf("%d at a time, %d waited, %d went on without a place", most.Load(), waited, overran)
		}
		if len(l.places) != 0 {
			t.Error("a place is taken at the end")
		}
	})
}

// Loads that hang keep nobody else for ever.
func TestLoadsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(2)
		for range 2 {
			if _, ok := l.Try(); !ok {
				t.Fatal("no place")
			}
		}
		if _, ok := l.Try(); ok {
			t.Fatal("a third place")
		}
		start := time.Now()
		release, err := l.Acquire(t.Context())
		if err != nil || time.Since(start) != patience {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		release()
		if len(l.places) != 2 {
			t.Error("gave back a place that it did not have")
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience/2)
		defer cancel()
		if _, err := l.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the context's error", err)
		}
	})
}
