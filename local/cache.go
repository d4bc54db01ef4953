package local

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// What otter holds per entry besides key and value: its node, the slot of the
// hash table and the places in the policy's queues. Measured, see
// TestBytesAreTheHeap.
const (
	overhead     = 100
	idleOverhead = 32 // more with an idle time
)

// A Cache is bounded by the bytes of its entries. Make it with [New] or
// [NewMemo]. It is safe for concurrent use. The memory that entries hold is
// given back soon after the bound is exceeded, not at once.
type Cache[K comparable, V any] struct {
	cache  *otter.Cache[K, item[V]]
	clock  *Clock // nil for a memo
	weigh  func(K, V) int
	cfg    Config
	counts counters
	teller *teller // nil without a hook

	closed  atomic.Bool
	stop    chan struct{}
	sweeper sync.WaitGroup
}

// item is a value with its weight and the end of its lifetime.
type item[V any] struct {
	value V
	until int64 // on the cache's clock; 0: does not expire
	bytes uint32
}

// New returns a cache whose entries expire by clock, which has to outlive it:
// an entry is returned for at most [Resolution] longer than its lifetime, or as
// much longer as the clock cannot run. weigh is asked once per Set for what
// key and value hold on the heap, in bytes.
func New[K comparable, V any](cfg Config, clock *Clock, weigh func(K, V) int) (*Cache[K, V], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c, err := build(cfg, weigh, func(c *Cache[K, V], o *otter.Options[K, item[V]]) {
		c.clock = clock
		if cfg.IdleTime > 0 {
			// Only an idle time needs to know of every read. Without one,
			// otter's expiration would triple the cost of a look-up.
			o.Clock = clock
			o.ExpiryCalculator = expiry[K, V]{idle: cfg.IdleTime}
		}
	})
	if err != nil {
		return nil, err
	}
	c.sweeper.Go(c.sweep)
	return c, nil
}

// NewMemo returns a cache without lifetimes: entries stay until room is needed.
func NewMemo[K comparable, V any](maxBytes int64, weigh func(K, V) int) (*Cache[K, V], error) {
	cfg := Config{MaxBytes: maxBytes}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return build(cfg.withDefaults(), weigh, func(*Cache[K, V], *otter.Options[K, item[V]]) {})
}

func build[K comparable, V any](cfg Config, weigh func(K, V) int, more func(*Cache[K, V], *otter.Options[K, item[V]])) (*Cache[K, V], error) {
	c := &Cache[K, V]{weigh: weigh, cfg: cfg, stop: make(chan struct{})}
	options := &otter.Options[K, item[V]]{
		MaximumWeight: uint64(cfg.MaxBytes),
		Weigher:       func(_ K, it item[V]) uint32 { return it.bytes },
		// Maintenance on the caller's goroutine: waking another one for every
		// few dozen reads costs more than the maintenance. It only moves
		// entries in lists, and the handlers below call no cache.
		Executor: func(task func()) { task() },
		OnAtomicDeletion: func(e otter.DeletionEvent[K, item[V]]) {
			// The cause is found once: asked again, the clock may say another.
			r := Removal{Cause: c.cause(e), Bytes: int(e.Value.bytes)}
			c.counts.removed[r.Cause].Add(1)
			if c.teller != nil {
				c.teller.add(r)
			}
		},
	}
	more(c, options)
	var err error
	if c.cache, err = otter.New(options); err != nil {
		return nil, err
	}
	if cfg.OnRemoval != nil {
		c.teller = newTeller(cfg.OnRemoval, &c.counts.untold)
	}
	return c, nil
}

// Get returns the value for key. It does not allocate.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	it, ok := c.cache.GetIfPresent(key)
	if ok && c.expired(it) {
		c.drop(key)
		it.value, ok = *new(V), false
	}
	return it.value, ok
}

// Jitter returns ttl less a random share of up to Config.Jitter, for [Cache.Set].
// It is apart from it since the value may have to know its lifetime.
func (c *Cache[K, V]) Jitter(ttl time.Duration) time.Duration {
	return ttl - time.Duration(c.cfg.Jitter*rand.Float64()*float64(ttl))
}

// Set stores a value for ttl; a ttl of 0 or less does not expire. A value heavier than the whole cache is not stored, and what the key
// held is removed. On a closed cache Set does nothing.
func (c *Cache[K, V]) Set(key K, value V, ttl time.Duration) {
	if c.closed.Load() {
		return
	}
	bytes := int64(c.weigh(key, value)) + overhead
	if c.cfg.IdleTime > 0 {
		bytes += idleOverhead
	}
	if bytes > c.cfg.MaxBytes || bytes > math.MaxUint32 {
		c.counts.tooLarge.Add(1)
		c.cache.Invalidate(key)
		return
	}
	it := item[V]{value: value, bytes: uint32(bytes)}
	if ttl > 0 && c.clock != nil {
		it.until = c.clock.NowNano() + int64(ttl)
	}
	c.cache.Set(key, it)
	if c.closed.Load() {
		c.cache.Invalidate(key) // Close may have cleared before the Set
	}
}

// Remove removes the value for key if only reports true of it; a nil only
// means any. It reports whether it did.
func (c *Cache[K, V]) Remove(key K, only func(V) bool) bool {
	removed := false
	c.cache.ComputeIfPresent(key, func(old item[V]) (item[V], otter.ComputeOp) {
		if only == nil || only(old.value) {
			removed = true
			return old, otter.InvalidateOp
		}
		return old, otter.CancelOp
	})
	return removed
}

// Clear removes everything.
func (c *Cache[K, V]) Clear() { c.cache.InvalidateAll() }

// Close removes everything, tells Config.OnRemoval of it and ends the cache's
// goroutines. It is idempotent; afterwards Get finds nothing.
func (c *Cache[K, V]) Close() {
	if c.closed.Swap(true) {
		return
	}
	close(c.stop)
	c.sweeper.Wait()
	c.cache.InvalidateAll()
	c.cache.StopAllGoroutines()
	if c.teller != nil {
		c.teller.close()
	}
}

// Stats returns the current figures.
func (c *Cache[K, V]) Stats() Stats {
	n := &c.counts
	return Stats{
		Entries: int64(c.cache.EstimatedSize()), Bytes: int64(c.cache.WeightedSize()), MaxBytes: c.cfg.MaxBytes,
		Expired: n.removed[Expired].Load(), Evicted: n.removed[Evicted].Load(),
		Invalidated: n.removed[Invalidated].Load(), Replaced: n.removed[Replaced].Load(),
		TooLarge: n.tooLarge.Load(), Untold: n.untold.Load(),
	}
}
