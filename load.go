package querycache

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/internal/wrap"
	"github.com/querycache/querycache/invalidation"
	"github.com/querycache/querycache/stampede"
)

// A load is a read that was not found in the cache.
type load struct {
	session  *session
	plan     *plan
	decision *decision
	opts     *options
	key      queryKey
	hash     uint64
	ttl      time.Duration
	// lapsed: what others write is not known, so nothing is kept.
	lapsed bool

	// Set when this caller's own query ran.
	rec  *resultset.Recording
	done func()
}

// A stamp says as of when a load reads, taken before its query is sent.
type stamp struct {
	invalidation.Stamp
	asked time.Time
	// fleet says so to others; the zero value if there are none, or what they
	// write was not known.
	fleet invalidation.FleetStamp
}

// run answers the read by a query of its own or by one that is under way. A
// caller joins that one only if its stamp is still valid: then no write to
// what it reads, this caller's own among them, has ended since it began.
func (l *load) run(ctx context.Context, stmt *wrap.Stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, c := l.session, l.session.cache
	if reason := l.renew(ctx); reason != "" {
		return s.bypass(ctx, stmt, text, l.plan, args, reason, l.opts)
	}
	// Who holds a connection must not wait for one who may be waiting for it.
	alone := l.refreshes() || c.cfg.Conns.Max > 0 && s.conn.Held() != nil
	res := c.flight.Do(ctx, l.key, l.stamp,
		func(st stamp) bool {
			lapsed := l.lapsed && time.Since(st.asked) > fleetLease
			return !alone && !lapsed && st.Valid()
		},
		func(ctx context.Context, st stamp) (*resultset.Set, stampede.Outcome, error) {
			return l.query(ctx, st, stmt, text, args)
		})
	switch {
	case res.Scattered && res.Err != nil:
		return s.bypass(ctx, stmt, text, l.plan, args, ReasonLoadFailed, l.opts)
	case res.Scattered:
		return s.bypass(ctx, stmt, text, l.plan, args, ReasonTooLarge, l.opts)
	case res.Shared && res.Err != nil:
		return nil, res.Err
	case res.Shared:
		c.stats.coalesced.Add(1)
		l.opts.report(Coalesced, "", 0, l.ttl)
		return res.Value.Rows(), nil
	case res.Err != nil && l.rec == nil:
		return nil, res.Err
	case l.rec == nil:
		return res.Value.Rows(), nil // from the shared tier
	}
	if l.rec.Finished() {
		return l.rec.Rows(l.done), nil
	}
	closed := s.reading()
	return l.rec.Rows(func() { closed(); l.done() }), nil
}

// renew makes the decision anew if the catalog that it was made with is too old
// for new answers, which it is not for those that are kept already.
func (l *load) renew(ctx context.Context) (reason Reason) {
	s, d := l.session, l.decision
	snap := s.catalog(ctx, d.ident.server)
	if snap == nil {
		return ReasonCatalog
	}
	if snap != d.snap {
		l.decision = s.cache.decide(l.plan, d.ident, snap)
		l.ttl, reason = l.decision.lifetime(l.opts)
	}
	return reason
}

// stamp is taken by the caller that will query. Only with the catalog that the
// decision was made with, looked at after the stamp was taken, are its tags
// those that the query depends on: a later schema change bumps everything.
func (l *load) stamp() stamp {
	d := l.decision
	asked := time.Now()
	st, ok := d.ident.server.space.Stamp(l.tags())
	if !ok || d.ident.server.current() != d.snap {
		l.plan.forget(d)
		return stamp{asked: asked} // never valid: not stored, not joined
	}
	full := stamp{Stamp: st, asked: asked}
	if f := d.ident.server.fleet.Load(); f != nil && !l.lapsed {
		full.fleet = f.node.Stamp()
	}
	return full
}

// tags are what the answer depends on.
func (l *load) tags() invalidation.Tags {
	d := l.decision
	if l.opts == nil || len(l.opts.tags) == 0 {
		return d.tags
	}
	return d.tags.With(d.ident.server.space.Tags(userTags(l.opts.tags)...))
}

// refreshes reports whether the caller wants an answer of its own.
func (l *load) refreshes() bool { return l.plan.hint.refresh || l.opts != nil && l.opts.refresh }

// query runs the statement on the caller's own connection, stores the answer
// and says who else may have it.
func (l *load) query(ctx context.Context, st stamp, stmt *wrap.Stmt, text string, args []driver.NamedValue) (*resultset.Set, stampede.Outcome, error) {
	s, c := l.session, l.session.cache
	if set := l.fromShared(ctx, st, args); set != nil {
		return set, stampede.Share, nil
	}
	known := false
	if _, err := s.conn.Base(ctx); err == nil {
		known = s.renew(ctx)
	} // else the query meets the error
	rows, done, err := s.conn.Load(ctx, stmt, text, args)
	if err != nil {
		s.failed(err)
		switch {
		case ctx.Err() != nil, errors.Is(err, driver.ErrBadConn), !s.conn.Healthy():
			return nil, stampede.Retry, err
		case c.judge != nil && c.judge.Lasting(err):
			return nil, stampede.Share, err
		}
		return nil, stampede.Scatter, err // it may be this session's own
	}
	if l.decision.taints { // somebody vouches for its tables, not for that
		s.leave(dialect.Taints)
	}
	l.rec, l.done = resultset.Record(rows, l.decision.limits, s.scans(ctx, args)), done
	c.stats.loaded(time.Since(st.asked))

	if c.faults.stampLate {
		st = l.stamp()
	}
	set := l.rec.Set()
	if set == nil {
		l.uncached(l.rec.Why())
		if ctx.Err() != nil {
			return nil, stampede.Retry, nil
		}
		return nil, stampede.Scatter, nil
	}
	if !known || s.drifted() || !s.ident().same(l.key.ident) {
		// This connection reached another server or session than the one
		// that the key was built for.
		l.opts.report(Database, ReasonSession, 0, 0)
		return nil, stampede.Retry, nil
	}
	reason := Reason("")
	if l.lapsed {
		reason = ReasonLease
		c.stats.bypasses.add(reason)
	}
	l.opts.report(Database, reason, 0, l.ttl)
	l.store(set, st)
	return set, stampede.Share, nil
}

// scans returns what knows how rows of the held connection, the answer to a
// query with args, scan by themselves; nil if nobody does.
func (s *session) scans(ctx context.Context, args []driver.NamedValue) func(types []string) []resultset.ColumnScan {
	if s.cache.scanner == nil {
		return nil
	}
	return func(types []string) []resultset.ColumnScan {
		base, err := s.conn.Base(ctx)
		if err != nil {
			return nil
		}
		return s.cache.scanner.ColumnScans(base, args, types)
	}
}

// store keeps an answer that is still valid.
func (l *load) store(set *resultset.Set, st stamp) {
	c := l.session.cache
	ttl := l.ttl
	if l.decision.ident.server.fleet.Load() != nil {
		ttl = min(ttl, maxShared)
	}
	left := ttl - time.Since(st.asked)
	if left <= 0 || l.lapsed || !st.Valid() {
		c.stats.discarded.Add(1)
		return
	}
	c.entries.Set(l.hash, &entry{key: l.key, set: set, stamp: st.Stamp, asked: st.asked}, left)
	c.stats.stored.Add(1)
	l.toShared(set, st, left)
}

// uncached notes an answer that cannot be kept.
func (l *load) uncached(why resultset.Outcome) {
	reason := Reason("")
	switch why {
	case resultset.TooLarge:
		reason = ReasonTooLarge
	case resultset.MoreSets:
		reason = ReasonManySets
	case resultset.CustomType:
		reason = ReasonCustomType
	}
	if reason != "" {
		l.plan.refuse(reason)
		l.session.cache.stats.bypasses.add(reason)
	}
	l.opts.report(Database, reason, 0, 0)
}
