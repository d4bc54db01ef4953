package local

import (
	"math"
	"time"

	"github.com/maypok86/otter/v2"
)

// sweepEvery is how often entries whose lifetime has ended, and that nobody
// asks for, are looked for. Until then they take part in the bound on bytes
// like others that are not used.
const sweepEvery = 10 * time.Second

// sweep removes what has expired until the cache is closed.
func (c *Cache[K, V]) sweep() {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
		}
		for key, it := range c.cache.All() {
			if c.expired(it) {
				c.drop(key)
			}
		}
	}
}

func (c *Cache[K, V]) expired(it item[V]) bool {
	return it.until != 0 && c.clock.NowNano() >= it.until
}

// drop removes the entry if it has expired: a newer one may have come.
func (c *Cache[K, V]) drop(key K) {
	c.cache.ComputeIfPresent(key, func(old item[V]) (item[V], otter.ComputeOp) {
		if c.expired(old) {
			return old, otter.InvalidateOp
		}
		return old, otter.CancelOp
	})
}

// cause tells an entry that was removed because it had expired from one that
// was removed by its user.
func (c *Cache[K, V]) cause(e otter.DeletionEvent[K, item[V]]) Cause {
	cause := causeOf(e.Cause)
	if cause == Invalidated && c.expired(e.Value) {
		return Expired
	}
	return cause
}

// expiry ends an entry early if it is not read.
type expiry[K comparable, V any] struct{ idle time.Duration }

// never is longer than any process runs.
const never = time.Duration(math.MaxInt64)

// ExpireAfterCreate implements otter.ExpiryCalculator.
func (x expiry[K, V]) ExpireAfterCreate(e otter.Entry[K, item[V]]) time.Duration {
	return x.left(e)
}

// ExpireAfterUpdate implements otter.ExpiryCalculator.
func (x expiry[K, V]) ExpireAfterUpdate(e otter.Entry[K, item[V]], _ item[V]) time.Duration {
	return x.left(e)
}

// ExpireAfterRead implements otter.ExpiryCalculator.
func (x expiry[K, V]) ExpireAfterRead(e otter.Entry[K, item[V]]) time.Duration {
	if x.idle == 0 {
		return e.ExpiresAfter()
	}
	return x.left(e)
}

func (x expiry[K, V]) left(e otter.Entry[K, item[V]]) time.Duration {
	left := never
	if until := e.Value.until; until != 0 {
		left = time.Duration(until - e.SnapshotAtNano)
	}
	if x.idle > 0 {
		left = min(left, x.idle)
	}
	return left
}
