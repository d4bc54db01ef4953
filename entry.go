package querycache

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/invalidation"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/stampede"
)

// An entry is a cached answer. What it says is immutable; its stamp is judged
// on use.
type entry struct {
	key   queryKey
	set   *resultset.Set
	stamp invalidation.Stamp
	// asked is when the stamp was taken, before the query: the lifetime
	// counts from there, so that it bounds the age of what is shown.
	asked time.Time
	// lives is its lifetime, less a random share, and calm the part of that in
	// which nobody needs to ask whether it is to be refreshed.
	lives, calm time.Duration
	// next is when a refresh may begin, by the cache's clock; the end of time
	// while one is under way.
	next atomic.Int64
	// refused: the database did not want to answer again, so that the answer is
	// not shown beyond its lifetime.
	refused atomic.Bool
}

// entryOverhead is an entry without what it points to, in size classes of the
// Go allocator: the entry itself and its list of tags.
const entryOverhead = 224

// bytes is what the entry holds on the heap.
func (e *entry) bytes() int { return entryOverhead + len(e.key.args) + e.set.Bytes() }

// age returns how old the answer is, never less than it is. Lifetimes that
// the coarse clock is too coarse for are measured precisely.
func (e *entry) age(c *local.Clock, ttl time.Duration) time.Duration {
	if ttl > 50*local.Resolution {
		return c.Age(e.asked)
	}
	return age(e.asked)
}

// keep stores an answer in the local tier, to be shown until ttl after asked.
func (l *load) keep(set *resultset.Set, st invalidation.Stamp, asked time.Time, ttl time.Duration) {
	c := l.session.cache
	e := &entry{key: l.key, set: set, stamp: st, asked: asked}
	e.lives = c.entries.Jitter(ttl)
	e.calm = e.lives
	if c.cfg.RefreshBeta > 0 {
		e.calm = stampede.Calm(e.lives)
	}
	left := e.lives + l.decision.stale
	if l.decision.ident.server.fleet.Load() != nil {
		left = min(left, maxShared) // so long Redis speaks for nodes that are silent
	}
	if left -= time.Since(asked); left > 0 {
		c.entries.Set(l.hash, e, left)
	}
}

// claim makes the caller the one who refreshes the entry, if it is time.
func (e *entry) claim(c *local.Clock) bool {
	next := e.next.Load()
	return c.NowNano() >= next && e.next.CompareAndSwap(next, math.MaxInt64)
}

// unclaim lets another refresh begin after a pause: the entry is still here if
// this one has brought nothing.
func (e *entry) unclaim(c *local.Clock, pause time.Duration) {
	e.next.Store(c.NowNano() + int64(pause))
}
