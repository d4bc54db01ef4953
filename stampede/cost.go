package stampede

import (
	"sync/atomic"
	"time"
)

// A Cost is what a query takes, smoothed: each new time counts for a quarter.
// The zero value is an unknown cost. It is safe for concurrent use.
type Cost struct{ ns atomic.Int64 }

// Add takes a measured time in.
func (c *Cost) Add(took time.Duration) {
	for {
		old := c.ns.Load()
		next := max(int64(took), 1)
		if old > 0 {
			next = max(old+(next-old)/4, 1)
		}
		if c.ns.CompareAndSwap(old, next) {
			return
		}
	}
}

// Learn takes over what somebody else has measured, if nothing is known.
func (c *Cost) Learn(cost time.Duration) {
	if cost > 0 {
		c.ns.CompareAndSwap(0, int64(cost))
	}
}

// Load returns the cost; 0 if it is unknown.
func (c *Cost) Load() time.Duration { return time.Duration(c.ns.Load()) }
