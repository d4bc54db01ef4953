package querycache

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/internal/wrap"
	"github.com/querycache/querycache/invalidation"
	"github.com/querycache/querycache/remote"
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
	// old is the answer that this one is to take the place of, and that may be
	// shown if it cannot; claimed: this load is its refresh, in the foreground;
	// background: it is, in the background.
	old                 *entry
	claimed, background bool
	// lease is held by this load. repeated: its stamp was once too old.
	lease    remote.Lease
	until    time.Time // its end
	repeated bool
	// elsewhere: another process is loading it, and this one need not.
	elsewhere bool
	// unreadable is what lay in the shared tier and could not be read.
	unreadable []byte

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

// run answers the read by a query, or by the old answer if that fails and may
// still be shown.
func (l *load) run(ctx context.Context, stmt *wrap.Stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	c := l.session.cache
	if l.claimed {
		c.stats.refreshes.Add(1)
		defer l.old.unclaim(c.clock, refreshPause)
	}
	rows, err := l.answer(ctx, stmt, text, args)
	failed := err
	if err == nil && l.rec != nil {
		failed = l.rec.Err() // which would come behind the rows before it
	}
	if failed == nil || l.old == nil {
		return rows, err
	}
	source := l.instead(ctx, failed)
	if source == Unknown {
		return rows, err
	}
	if rows != nil {
		_ = rows.Close() // the old answer is shown
	}
	c.stats.aged(source, time.Time{})
	l.opts.report(source, "", l.old.age(c.clock, l.ttl), l.ttl)
	return l.old.set.Rows(), nil
}

// answer answers the read by a query of its own or by one that is under way. A
// caller joins that one only if its stamp is still current: then no write to
// what it reads, this caller's own among them, has ended since it began.
func (l *load) answer(ctx context.Context, stmt *wrap.Stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, c := l.session, l.session.cache
	if reason := l.renew(ctx); reason != "" {
		return s.bypass(ctx, stmt, text, l.plan, args, reason, l.opts)
	}
	l.settle(ctx)
	// Who holds a connection must not wait for one who may be waiting for it.
	alone := l.refreshes() || c.cfg.Conns.Max > 0 && s.conn.Held() != nil
	res := c.flight.Do(ctx, l.key, l.stamp,
		func(st stamp) bool {
			lapsed := l.lapsed && time.Since(st.asked) > fleetLease
			return !alone && !lapsed && st.Current()
		},
		func(ctx context.Context, st stamp) (*resultset.Set, stampede.Outcome, error) {
			return l.query(ctx, st, stmt, text, args)
		})
	if l.claimed {
		l.refreshed(res.Value)
	}
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
	if snap.id != d.catalog {
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
	if snap := d.ident.server.current(); !ok || snap == nil || snap.id != d.catalog {
		l.session.cache.forget(l.plan, d)
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

// keeps reports whether the answer may lack writes of other processes.
func (l *load) keeps() bool { return l.key.kept && l.decision.keep }

// good reports whether an answer with this stamp may be shown.
func (l *load) good(st *invalidation.Stamp) bool {
	return st.Valid() || l.keeps() && st.Kept()
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
	switch set, again := l.turn(ctx, st, args); {
	case set != nil:
		return set, stampede.Share, nil
	case again:
		return nil, stampede.Again, nil
	case l.elsewhere:
		return nil, stampede.Retry, nil
	}
	defer l.yield()
	release, err := l.place(ctx)
	if err != nil {
		return nil, stampede.Retry, err
	}
	defer release()
	known := false
	if _, err := s.conn.Base(ctx); err == nil {
		known = s.renew(ctx) && !s.tainted
	} // else the query meets the error
	if l.background && (!known || !s.ident().same(l.key.ident)) {
		return nil, stampede.Retry, nil // borrowed from another server or session
	}
	sent := time.Now()
	rows, done, err := s.conn.Load(ctx, stmt, text, args)
	if err != nil {
		s.failed(err)
		if errors.Is(err, driver.ErrBadConn) {
			s.conn.Discard() // as database/sql would, were it told
		}
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
	took := time.Since(sent)
	c.stats.loaded(time.Since(st.asked), l.background)

	if mistake.Made(mistake.StampLate) {
		mistake.Linger()
		st = l.stamp()
	}
	set := l.rec.Set()
	if set == nil {
		l.uncached(l.rec.Why())
		err := l.rec.Err() // which its reader meets behind the rows before it
		if ctx.Err() != nil || err != nil && (c.outage(err) || !s.conn.Healthy()) {
			return nil, stampede.Retry, err
		}
		return nil, stampede.Scatter, err
	}
	l.plan.cost.Add(took) // of one that ran to its end: another may have run into a timeout
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
	if left <= 0 || l.lapsed || !l.good(&st.Stamp) && !mistake.Made(mistake.Delete) {
		c.stats.discarded.Add(1)
		return
	}
	l.keep(set, st.Stamp, st.asked, ttl)
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
