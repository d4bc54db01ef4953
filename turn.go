package querycache

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"time"

	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/remote"
	"github.com/querycache/querycache/stampede"
)

// maxSettle is the longest that a read waits for a write.
const maxSettle = 100 * time.Millisecond

// settle lets a write under way end, for twice what the query takes: an answer
// that is read meanwhile cannot be kept, and each further read would ask anew.
func (l *load) settle(ctx context.Context) {
	cost := l.plan.cost.Load()
	if cost == 0 || l.lapsed || l.session.conn.Held() != nil {
		// Without the shared tier nothing is kept, and writes do not end; who
		// holds a connection may be the one who writes.
		return
	}
	l.decision.ident.server.space.Settle(ctx, l.tags(), min(2*cost, maxSettle))
}

// turn waits until it is this process's turn to load the answer, or another one
// of the fleet has: then it returns that one's. Where there is no shared tier,
// or the query is not worth it, or nobody is ready in time, it returns at once:
// the caller then loads. again: the stamp has become too old meanwhile.
func (l *load) turn(ctx context.Context, st stamp, args []driver.NamedValue) (set *resultset.Set, again bool) {
	cost := l.plan.cost.Load()
	t := l.tier()
	if t == nil || !stampede.Worth(cost) {
		return nil, false
	}
	c := l.session.cache
	key := l.sharedKey()
	var pause stampede.Pause
	for end := time.Now().Add(stampede.LeaseWait(cost)); ; {
		until := time.Now().Add(stampede.LeaseTTL(cost))
		lease, payload, err := t.Lease(ctx, key, stampede.LeaseTTL(cost))
		if err != nil {
			return nil, false // the query meets what is wrong with the context
		}
		if payload != nil {
			set = l.adopt(ctx, t, key, payload, st, args)
		}
		switch {
		case set != nil:
			t.Release(lease)
			c.stats.leased.Add(1)
			return set, false
		case !st.Current() && !l.repeated:
			t.Release(lease)
			l.repeated = true
			return nil, true
		case lease.Held():
			c.stats.leases.Add(1)
			l.lease, l.until = lease, until
			return nil, false
		case l.background:
			// It would hold its connection while it waits, for an answer that it
			// can have later.
			l.elsewhere = true
			return nil, false
		case !time.Now().Before(end):
			c.stats.overdue.Add(1)
			return nil, false
		}
		timer := time.NewTimer(pause.Next(rand.Float64()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, false
		}
	}
}

// tier returns the shared tier, if this read may use it.
func (l *load) tier() *remote.Tier {
	f := l.decision.ident.server.fleet.Load()
	if f == nil || l.lapsed || l.refreshes() || l.key.ident.shared == "" {
		return nil
	}
	return f.tier.Load()
}

// place waits for the right to load, unless others may be waiting for the
// connection that the caller holds.
func (l *load) place(ctx context.Context) (release func(), err error) {
	c := l.session.cache
	if c.cfg.Conns.Max == 0 || l.session.conn.Held() == nil {
		return c.limiter.Acquire(ctx)
	}
	if release, ok := c.limiter.Try(); ok {
		return release, nil
	}
	return func() {}, nil
}
