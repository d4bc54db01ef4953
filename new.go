package querycache

import (
	"context"
	"sync"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/stampede"
)

// New returns a cache. All mistakes of the configuration are reported at once.
// Close it when the databases wrapped with it are no longer used.
func New(cfg Config) (*Cache, error) {
	cfg, err := cfg.compile()
	if err != nil {
		return nil, err
	}
	c := &Cache{cfg: cfg, implicit: cfg.DefaultTTL > 0 || len(cfg.Rules) > 0}
	c.prober, _ = cfg.Dialect.(dialect.Prober)
	c.watcher, _ = cfg.Dialect.(dialect.Watcher)
	c.argJudge, _ = cfg.Dialect.(dialect.ArgJudge)
	c.judge, _ = cfg.Dialect.(dialect.ErrorJudge)
	c.outages, _ = cfg.Dialect.(dialect.OutageJudge)
	c.limiter, c.refreshing = stampede.NewLimiter(cfg.MaxLoads), stampede.NewLimiter(cfg.MaxLoads)
	c.asker, _ = cfg.Dialect.(dialect.WriteAsker)
	_, c.embedded = cfg.Dialect.(dialect.Embedded)
	c.rewriter, _ = cfg.Dialect.(dialect.Rewriter)
	c.scanner, _ = cfg.Dialect.(dialect.ColumnScanner)
	c.plans, err = newPlans(cfg.Dialect, c.malformed)
	if err != nil {
		return nil, err
	}
	if c.decisions, err = newDecisions(); err != nil {
		c.plans.close()
		return nil, err
	}
	if len(cfg.SealKeys) > 0 {
		if c.seal, err = resultset.NewSeal(cfg.SealKeys...); err != nil {
			c.closeMemos()
			return nil, err
		}
	}
	c.clock = local.NewClock()
	c.entries, err = local.New(cfg.Local, c.clock, func(_ uint64, e *entry) int { return e.bytes() })
	if err != nil {
		c.clock.Stop()
		c.closeMemos()
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the work in the background and waits for it. Databases wrapped
// with the cache go on working: their reads bypass it, and their writes are
// still noted. Close is idempotent and returns nil.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.disabled.Store(true)
	c.cancel()
	c.work.Wait()
	servers := c.servers.all()
	together(len(servers), func(i int) {
		if f := servers[i].fleet.Load(); f != nil {
			f.close()
		}
	})
	c.entries.Close()
	c.clock.Stop()
	c.closeMemos()
	return nil
}

func (c *Cache) closeMemos() {
	c.plans.close()
	c.decisions.Close()
}

// SetEnabled turns the cache off and on: while it is off, reads go to the
// database and nothing is stored, but writes still invalidate, so that it can
// be turned on again at any time. A closed cache stays off.
func (c *Cache) SetEnabled(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disabled.Store(!on || c.closed)
}

// start runs work in the background, joined by Close. It reports false if the
// cache is closed.
func (c *Cache) start(work func(context.Context)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		work(c.ctx)
	}()
	return true
}

// warnOnce logs what an operator should know, once per subject: a fault that
// lasts would fill the log.
func (c *Cache) warnOnce(subject, message string, args ...any) {
	if _, known := c.warned.LoadOrStore(subject, nil); !known {
		c.cfg.Logger.Warn("querycache: "+message, args...)
	}
}

// malformed counts a text whose hint has a mistake, and logs the mistake. The
// text itself may hold values, so it is not logged.
func (c *Cache) malformed(text string, err error) {
	c.stats.malformed.Add(1)
	if c.hintLog.first(text) {
		c.cfg.Logger.Warn("querycache: malformed hint, the statement is not cached", "mistake", err)
	}
}

// onceSet remembers up to a bound what has been seen. The zero value is ready.
type onceSet struct {
	mu   sync.Mutex // guards seen
	seen map[uint64]struct{}
}

// first reports whether text is new; false, too, once the set is full.
func (o *onceSet) first(text string) bool {
	h := hashText(text)
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.seen[h]; known || len(o.seen) >= 1000 {
		return false
	}
	if o.seen == nil {
		o.seen = make(map[uint64]struct{})
	}
	o.seen[h] = struct{}{}
	return true
}
