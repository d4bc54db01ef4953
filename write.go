package querycache

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/internal/wrap"
	"github.com/querycache/querycache/invalidation"
)

// A write is a statement or COMMIT under way that may change rows.
type write struct {
	cache *Cache
	space invalidation.Write
	// server is set if a catalog stood behind the tags: if the schema has
	// changed since, triggers and cascades may have too.
	server *server
	ddl    uint64
	// alters: the schema may change.
	alters bool
	// all is used instead where the server is not known.
	all everywhere
}

// begin marks tags of ident's database dirty. alters says that the schema may
// change; why, if set, is counted as the reason for everything.
func (c *Cache) begin(ident *identity, tags invalidation.Tags, alters bool, why Reason) write {
	if ident.server == nil {
		return write{cache: c, all: c.beginEverywhere(why, alters), alters: alters}
	}
	if alters {
		ident.server.alter(c)
		tags = everything(ident.server, true)
	}
	if why != "" {
		c.stats.everything.add(why)
	}
	return write{
		cache: c, space: ident.server.space.Begin(tags),
		server: ident.server, ddl: ident.server.ddl.Load(), alters: alters,
	}
}

// announce tells the fleet beforehand. After an error the write must not be sent.
func (w *write) announce(ctx context.Context) error {
	if w.all.open() {
		return w.all.announce(ctx)
	}
	return w.space.Announce(ctx)
}

// keepOpen: it may be visible, in part, before it ends.
func (w *write) keepOpen() {
	w.space.KeepOpen()
	for i := range w.all.writes {
		w.all.writes[i].KeepOpen()
	}
}

// bump invalidates now and lets the write go on: its rows are still being
// read, and what it did may be visible already.
func (w *write) bump() {
	w.all.bump()
	w.space.Bump()
}

// end bumps and closes the write. The count of schema changes moves before
// the bump: an answer whose stamp is younger than the bump must find that its
// catalog is outdated. unknown: the database may have yet to do it.
func (w *write) end(unknown bool) {
	w.all.end(unknown)
	if w.server == nil || !w.space.Open() {
		return
	}
	if w.alters {
		w.server.alter(w.cache)
	}
	w.space.End(unknown)
	if !w.alters && w.server.ddl.Load() != w.ddl {
		// The schema changed while the write ran, perhaps by another process,
		// as was heard just now: what the write reached may be more than what
		// was known when it began.
		all := w.server.space.Begin(invalidation.Everything())
		all.End(unknown)
	}
}

// cancel closes the write without a bump: it is proven that nothing changed.
func (w *write) cancel() {
	if w.alters || w.all.open() {
		w.end(false)
		return
	}
	w.space.Cancel()
}

// around is a statement that is not a plain read, between before and after.
type around struct {
	session *session
	stmt    *dialect.Statement
	write   write
	// logged: nothing of it is visible before the transaction ends.
	logged bool
	// perhaps is what it may leave in a transaction that is open when it has
	// ended; asOf counts the schema changes before that was known.
	perhaps logged
	asOf    uint64
	// taints: what is called may change the session; strays: also what names
	// mean there.
	taints, strays bool
	// beyond: it may write past its transaction; see dialect.Resolution.
	beyond bool
}

// before does what has to be done before the statement is sent. It adopts the
// real connection first: its server, not the one that reads are looked up
// under, is the one that is written.
func (s *session) before(ctx context.Context, p *plan) (around, error) {
	if _, err := s.conn.Base(ctx); err != nil {
		return around{}, err
	}
	a := around{session: s, stmt: p.stmt}
	known := s.renew(ctx)
	ident := s.ident()
	asOf, ddl := s.cache.altered.Load(), ident.changes()
	r := s.reach(ctx, p, ident)
	// To ask what the session is now costs less than what its names would
	// otherwise be feared to mean.
	if (!known || s.strays) && r.why == "" && !r.tags.Empty() && s.tx == noTx && *s.open == 0 && s.untaint(ctx) {
		known, ident = true, s.ident()
		asOf, ddl = s.cache.altered.Load(), ident.changes()
		r = s.reach(ctx, p, ident)
	}
	a.taints, a.strays, a.beyond = r.taints, r.strays, r.beyond
	// Where the session is not known, names may mean tables of a database
	// that another connector knows as its own. Which databases are of the same
	// server is not known either.
	elsewhere := !r.tags.Empty() && (!known || s.leadsElsewhere(r.why) || r.tags.All() && (wide(p.stmt) || r.beyond))
	// What is written beyond the transaction does not wait for its end.
	within := s.tx != noTx && !s.unsure && !r.beyond
	if within && (r.why != "" || elsewhere) && s.maySettleLater(p.stmt, ident) {
		s.asks.note(r, elsewhere)
		a.logged = true
		return a, nil
	}
	if within && (p.stmt.Kind == dialect.Write || p.stmt.Kind == dialect.Read || p.stmt.Confined) {
		s.note(r.tags, r.alters, elsewhere, asOf)
		if ident.server != nil {
			ident.server.space.Register(r.tags)
		}
		a.logged = true
		return a, nil
	}
	// In a session with unknown state a transaction may be open as well.
	if s.tx != noTx || s.strays || anyPart(p.stmt, dialect.Begin) || anyPart(p.stmt, dialect.Savepoint) {
		s.note(r.tags, r.alters, elsewhere, asOf)
	}
	now := logged{tags: r.tags, why: r.why, alters: r.alters, elsewhere: elsewhere, ddl: ddl}
	a.perhaps, a.asOf = now, asOf
	if s.ends(p.stmt) {
		now = now.with(s.logged(ctx, p.stmt.Kind == dialect.Commit))
	}
	a.write = s.beginNow(ident, now)
	if err := a.write.announce(ctx); err != nil {
		a.write.cancel()
		return around{}, err
	}
	if p.stmt.Kind == dialect.Unknown {
		a.write.keepOpen() // it may COMMIT and go on
	}
	return a, nil
}

// leadsElsewhere reports whether names may mean tables of a database that
// another connector knows as its own: one that is attached to this session.
func (s *session) leadsElsewhere(why Reason) bool {
	switch why {
	case dialect.ReasonAttached, dialect.ReasonTempTable, dialect.ReasonSessionChange:
		return true
	}
	return s.strays
}

// A reach is what a statement may do beyond returning rows.
type reach struct {
	tags invalidation.Tags
	why  Reason // that tags are everything
	// alters: the schema, too; taints: the session; strays: what names mean.
	alters, taints, strays bool
	beyond                 bool // the transaction
}

// reach returns what the statement may do.
func (s *session) reach(ctx context.Context, p *plan, ident *identity) reach {
	st := p.stmt
	ddl := alters(st)
	switch {
	case !st.MayWrite() && st.Parts == nil && !st.Calls && st.Kind != dialect.Read:
		return reach{}
	case ident.server == nil:
		return reach{tags: invalidation.Everything(), why: ReasonProbe, alters: ddl || st.Calls, taints: st.Calls, strays: st.Calls}
	case st.Kind == dialect.DDL:
		return reach{tags: invalidation.Everything(), alters: true}
	}
	snap := s.catalog(ctx, ident.server)
	if snap == nil {
		// That functions are called must not count as a schema change here:
		// in a program that calls some all the time, the catalog would never
		// come to be known.
		return reach{tags: invalidation.Everything(), why: ReasonCatalog, alters: ddl, taints: st.Calls, strays: st.Calls}
	}
	d := s.cache.decide(p, ident, snap)
	if s.strays && d.why == "" && d.astray != "" {
		return reach{tags: invalidation.Everything(), why: d.astray, alters: true, taints: true, strays: true, beyond: d.beyond}
	}
	// What a procedure may change is known better now than from the text.
	return reach{d.writes, d.why, ddl && !p.stmt.Procedure || d.alters, d.taints, d.strays, d.beyond}
}

// ends reports whether running the statement can make what a transaction has
// written visible.
func (s *session) ends(st *dialect.Statement) bool {
	switch st.Kind {
	case dialect.Commit, dialect.Begin, dialect.DDL, dialect.Unknown:
		return true
	case dialect.Release:
		return s.bySavepoint || s.unsure || s.doubt
	}
	return false
}

// alters reports whether the text may change the schema, for all that it tells.
func alters(st *dialect.Statement) bool {
	if st.Parts != nil {
		return slices.ContainsFunc(st.Parts, alters)
	}
	return st.Kind == dialect.DDL || st.Kind == dialect.Unknown && st.MayWrite()
}

// wide reports whether the text may change what other databases of the same
// server share with its own.
func wide(st *dialect.Statement) bool {
	if st.Parts != nil {
		return slices.ContainsFunc(st.Parts, wide)
	}
	return st.Wide || st.Kind == dialect.Unknown && st.MayWrite()
}

func anyPart(st *dialect.Statement, kind dialect.Kind) bool {
	for _, part := range st.Parts {
		if part.Kind == kind {
			return true
		}
	}
	return false
}

// after does what has to be done when the statement has ended, before its
// caller learns of it.
func (a *around) after(err error) {
	s := a.session
	if s == nil {
		return
	}
	a.session = nil
	if err == driver.ErrSkip { //nolint:errorlint // database/sql compares it so
		a.write.cancel() // not executed: it comes again as a prepared statement
		return
	}
	s.leave(a.stmt.Effect)
	if a.strays {
		s.leave(dialect.Taints)
	} else if a.taints {
		s.tainted = true
	}
	// Only of one plain write is an error proof for all of it.
	if err != nil && !a.beyond && a.stmt.Kind == dialect.Write && a.stmt.Parts == nil && s.cache.cfg.Dialect.Aborted(err) {
		a.write.cancel()
	} else {
		a.write.end(s.unknown(err))
	}
	if ident := s.ident(); a.write.alters && ident.server != nil {
		s.origin.refreshCatalog(ident.server)
	}
	defer s.reconcile()
	switch {
	case a.stmt.Kind != dialect.Unknown, a.logged:
	case s.tx != noTx:
		s.unsure = true // it may have ended the transaction
	case a.stmt.MayBegin:
		s.tx, s.unsure, s.doubt = textTx, true, true
	}
	if err != nil {
		s.failed(err)
		s.lostControl(a.stmt)
	} else {
		s.track(a.stmt)
		for _, part := range a.stmt.Parts {
			s.track(part)
		}
	}
	if s.tx != noTx && a.stmt.Kind == dialect.Unknown && !a.logged {
		// It may have ended one transaction, and the log with it, and written
		// in the next.
		s.note(a.perhaps.tags, a.perhaps.alters, a.perhaps.elsewhere, a.asOf)
	}
}

// lostControl: how far a text with transaction control got before it failed is
// not known. A BEGIN alone may have taken effect too: its context ended when it
// had.
func (s *session) lostControl(st *dialect.Statement) {
	if s.tx != noTx {
		return
	}
	if st.Kind == dialect.Begin || st.Kind == dialect.Savepoint || slices.ContainsFunc(st.Parts, isControl) {
		s.tx, s.unsure, s.doubt = textTx, true, true
	}
}

// execAround runs a statement that is not a plain read and returns no rows.
func (s *session) execAround(ctx context.Context, stmt *wrap.Stmt, text string, p *plan, args []driver.NamedValue) (driver.Result, error) {
	a, err := s.before(ctx, p)
	if err != nil {
		return nil, err
	}
	defer a.abandoned()
	res, err := s.conn.RunExec(ctx, stmt, text, args)
	a.after(err)
	return res, err
}

// queryAround runs a statement that is not a plain read and may return rows.
// They are read to their end before the caller gets them: until then the
// write may not be visible yet. What is too large for that keeps its tags
// dirty while the caller reads.
func (s *session) queryAround(ctx context.Context, stmt *wrap.Stmt, text string, p *plan, args []driver.NamedValue) (driver.Rows, error) {
	a, err := s.before(ctx, p)
	if err != nil {
		return nil, err
	}
	reading := false
	defer func() {
		if !reading {
			a.abandoned()
		}
	}()
	rows, err := s.conn.RunQuery(ctx, stmt, text, args)
	if err != nil {
		a.after(err)
		return nil, err
	}
	if a.logged || mistake.Made(mistake.BumpEarly) {
		a.after(nil)
		return s.live(rows), nil
	}
	s.leave(p.stmt.Effect) // also while the rows are being read
	rec := resultset.Record(rows, s.cache.cfg.limits(), s.scans(ctx, args))
	if !rec.Finished() {
		a.write.bump()
	}
	reading = true
	done := func() {}
	if !rec.Finished() {
		done = s.reading()
	}
	return rec.Rows(func() { done(); a.after(rec.Err()) }), nil
}

// errPanicked stands for the error of a driver that has panicked.
var errPanicked = errors.New("querycache: the driver panicked")

// abandoned ends a statement whose driver has panicked: what it wrote is not
// known, and its tags must not stay dirty for ever.
func (a *around) abandoned() {
	if a.session != nil {
		a.after(errPanicked)
	}
}
