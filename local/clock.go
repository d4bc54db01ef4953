package local

import (
	"sync"
	"sync/atomic"
	"time"
)

// Resolution is how far a [Clock] lags behind, at most, as long as its
// goroutine can run.
const Resolution = 20 * time.Millisecond

// A Clock is a coarse one: reading the precise time costs more than looking an
// entry up. It follows both the monotonic clock, which a suspended machine
// stops, and the wall clock, which somebody may set. Make it with [NewClock];
// it is safe for concurrent use.
type Clock struct {
	start time.Time
	mono  atomic.Int64 // nanoseconds since start
	wall  atomic.Int64 // Unix nanoseconds
	stop  chan struct{}
	once  sync.Once
	done  sync.WaitGroup
}

// NewClock starts a clock; Stop ends its goroutine.
func NewClock() *Clock {
	c := &Clock{start: time.Now(), stop: make(chan struct{})}
	c.read()
	c.done.Go(func() {
		ticker := time.NewTicker(Resolution)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.read()
			case <-c.stop:
				return
			}
		}
	})
	return c
}

// read stores the time.
func (c *Clock) read() {
	now := time.Now()
	c.mono.Store(int64(now.Sub(c.start)))
	c.wall.Store(now.UnixNano())
}

// Stop ends the clock and waits for its goroutine. The time stands still
// afterwards. It is idempotent.
func (c *Clock) Stop() {
	c.once.Do(func() { close(c.stop) })
	c.done.Wait()
}

// Age returns the time since t, by whichever of the two clocks says more, and
// never less than it is: the lag is added.
func (c *Clock) Age(t time.Time) time.Duration {
	mono := time.Duration(c.mono.Load()) - t.Sub(c.start)
	wall := time.Duration(c.wall.Load() - t.UnixNano())
	return max(mono, wall, 0) + Resolution
}

// NowNano implements otter.Clock. It follows the monotonic clock.
func (c *Clock) NowNano() int64 { return c.mono.Load() + 1 }

// Tick implements otter.Clock.
func (c *Clock) Tick(d time.Duration) <-chan time.Time { return time.Tick(d) }
