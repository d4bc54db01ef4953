package querycache

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/wrap"
	"github.com/querycache/querycache/invalidation"
)

var _ wrap.Session = (*session)(nil)

// txKind says what transaction a connection is in.
type txKind uint8

const (
	noTx     txKind = iota
	driverTx        // by database/sql's BeginTx
	textTx          // by BEGIN or SAVEPOINT in SQL text, or after a Commit that failed
)

// A session is what the cache knows of one virtual connection and of the real
// one it holds. Like the connection it belongs to one goroutine at a time.
type session struct {
	cache  *Cache
	origin *origin
	conn   *wrap.Conn
	// key is the space in which keys are built: no allocation per hit.
	key []byte
	// reads counts, to choose the hits that are timed.
	reads uint

	tx txKind
	// unsure: a statement of the transaction failed, or it was ended in a
	// way that database/sql did not see. The server may be in autocommit
	// mode, so writes take effect at once as well as at the end.
	unsure bool
	// savepoints are open ones; bySavepoint: the first of them began the
	// transaction, as SQLite allows.
	savepoints  []string
	bySavepoint bool
	// log is what the transaction has written; logDDL: schema changes too;
	// logElsewhere: perhaps in another database.
	log          invalidation.Log
	logDDL       bool
	logElsewhere bool
	// logAsOf counts the schema changes before the first of it was analysed.
	logAsOf uint64
	// asks is what of the transaction is not in log: the database is asked.
	asks asking

	// kept: the real connection holds state that its next user relies on.
	kept bool
	// tainted: what it holds may change answers, and was not looked at yet;
	// strays: names may even mean other relations than they did, or the
	// transaction be another one;
	// holds: it may hold what nothing may be cached with.
	tainted, strays, holds bool
	// own is the identity found when it was looked at, and ownAsOf the count
	// of schema changes before; nil: that of the real connection.
	own     *identity
	ownAsOf uint64
	// doubt: whether a transaction is open is not known.
	doubt bool
	// open counts rows that are still being read, see [session.reading].
	open *int

	// exposed is open while code outside may be using the real connection.
	exposed everywhere
}

// sample returns the time if a hit is to be timed now: one in 64 is, since
// reading the clock twice costs more than the look-up.
func (s *session) sample() (start time.Time) {
	if s.reads++; s.reads%64 == 0 {
		start = time.Now()
	}
	return start
}

// ident returns the identity under which the connection reads. It is never
// nil: the connection exists because a dial has succeeded.
func (s *session) ident() *identity {
	if s.own != nil {
		return s.own
	}
	if m, ok := s.conn.Mark().(*mark); ok {
		return m.ident
	}
	return s.origin.ident.Load()
}

// Query implements wrap.Session.
func (s *session) Query(ctx context.Context, stmt *wrap.Stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	s.settle()
	p := s.plan(text, args)
	if !p.readable() {
		return s.queryAround(ctx, stmt, text, p, args)
	}
	reason := s.callsWrite(ctx, p)
	if reason == "" {
		return s.read(ctx, stmt, text, p, args)
	}
	opts := optionsOf(ctx)
	reason = cmpReason(s.cache.unwanted(p, opts), reason)
	if err := s.cache.tolerates(p, reason); err != nil {
		return nil, err
	}
	rows, err := s.queryAround(ctx, stmt, text, p, args)
	if err != driver.ErrSkip { //nolint:errorlint // database/sql compares it so
		s.cache.stats.bypasses.add(reason)
		opts.report(Database, reason, 0, 0)
	}
	return rows, err
}

// plan returns what is known of the statement: nothing, if an argument may
// replace its text.
func (s *session) plan(text string, args []driver.NamedValue) *plan {
	if r := s.cache.rewriter; r != nil && len(args) > 0 && r.Rewrites(args) {
		return unknownPlan
	}
	return s.cache.plans.get(text)
}

// callsWrite returns why functions of a query, or of views that it reads, may
// write; empty if they do not. It is then run as a write. So is one with functions
// while the catalog is not known.
func (s *session) callsWrite(ctx context.Context, p *plan) Reason {
	calls := Reason("")
	if p.stmt.Calls {
		calls = dialect.ReasonUnknownFunc
	}
	ident := s.ident()
	if ident.server == nil || s.cache.prober == nil { // then there is no catalog to ask
		return calls
	}
	snap := ident.server.current()
	if snap == nil && calls != "" {
		snap = s.catalog(ctx, ident.server)
	}
	if snap == nil {
		if calls != "" {
			return ReasonCatalog
		}
		// The views of the last one that was known are there still, most likely.
		if snap = ident.server.catalog.Load(); snap == nil {
			return ""
		}
	}
	d := s.cache.decide(p, ident, snap)
	switch {
	case !d.writes.Empty():
		return cmpReason(d.refuse, dialect.ReasonNotRead)
	case s.strays && d.astray != "":
		return d.astray
	}
	return ""
}

// Exec implements wrap.Session.
func (s *session) Exec(ctx context.Context, stmt *wrap.Stmt, text string, args []driver.NamedValue) (driver.Result, error) {
	s.settle()
	p := s.plan(text, args)
	if p.readable() && s.callsWrite(ctx, p) == "" {
		res, err := s.conn.RunExec(ctx, stmt, text, args)
		s.ran(p, err)
		return res, err
	}
	return s.execAround(ctx, stmt, text, p, args)
}

// Prepare implements wrap.Session. Some statements act when they are prepared,
// as many of SQLite's pragmas do; reads do not.
func (s *session) Prepare(ctx context.Context, text string, prepare func() error) error {
	p := s.cache.plans.get(text)
	if p.stmt.Effect == dialect.NoEffect || p.readable() {
		return prepare()
	}
	var w write
	if r := s.reach(ctx, p, s.ident()); !r.tags.Empty() {
		w = s.cache.begin(s.ident(), r.tags, r.alters, r.why)
	}
	if err := w.announce(ctx); err != nil {
		w.cancel()
		return err
	}
	err := s.during(&w, prepare)
	w.end(s.unknown(err))
	s.leave(p.stmt.Effect)
	return err
}

// Deferrable implements wrap.Session: preparing can wait for what may be
// answered from memory.
func (s *session) Deferrable(text string) bool {
	if s.tx != noTx || s.tainted || s.holds {
		return false
	}
	p := s.cache.plans.get(text)
	return p.readable() && (p.hint.ttl > 0 || s.cache.implicit)
}

// Returned implements wrap.Session.
func (s *session) Returned() (keep bool) {
	s.settle()
	if s.tx == driverTx {
		// database/sql ends its transactions before it takes a
		// connection back; were it otherwise, nobody else may get it.
		return true
	}
	return s.kept || s.tainted || s.holds || s.tx != noTx || s.ident().session.Pinned
}

// Exposed implements wrap.Session. Whatever is written through the driver's
// connection is not seen here, so everything counts as being written until
// the connection is next used through the cache or given back.
func (s *session) Exposed() {
	if !s.exposed.open() {
		s.exposed = s.cache.beginEverywhere(ReasonExposed, true)
		s.exposed.apart()
	}
	s.handedOut()
	if s.tx != noTx {
		s.note(invalidation.Everything(), true, true, s.cache.altered.Load())
	}
}

// handedOut notes that code outside has had the real connection: it may have
// changed the session, or begun or ended a transaction.
func (s *session) handedOut() { s.tainted, s.strays, s.doubt = true, true, true }

// Lost implements wrap.Session: the server has ended the transaction and
// forgotten the session.
func (s *session) Lost() {
	s.settle()
	s.endTx()
	s.kept, s.tainted, s.strays, s.holds, s.own, s.doubt = false, false, false, false, nil, false
	s.open = new(int)
}

// settle ends an exposure.
func (s *session) settle() {
	if s.exposed.open() {
		s.exposed.end(false)
	}
}

// failed notes an error of a statement: it may have ended the transaction.
func (s *session) failed(err error) {
	if err != nil && s.tx != noTx && err != driver.ErrSkip { //nolint:errorlint // database/sql compares it so
		s.unsure = true
	}
}

func (s *session) endTx() {
	s.tx, s.unsure = noTx, false
	s.savepoints, s.bySavepoint = nil, false
	s.log.Reset()
	s.logDDL, s.logElsewhere, s.asks = false, false, asking{}
}

// ran notes what a statement that writes nothing may have done to its session.
func (s *session) ran(p *plan, err error) {
	s.leave(p.stmt.Effect)
	if s.mayMove(p) {
		s.leave(dialect.Taints)
	}
	if err != nil {
		s.failed(err)
	}
}

// mayMove reports whether what a query calls may change the session, although it
// writes nothing.
func (s *session) mayMove(p *plan) bool {
	if ident := s.ident(); ident.server != nil && s.cache.prober != nil {
		if snap := ident.server.current(); snap != nil {
			return s.cache.decide(p, ident, snap).taints
		}
	}
	return p.stmt.Calls
}

// leave notes what a statement has left in the session. Even one that failed
// may have left something.
func (s *session) leave(effect dialect.Effect) {
	switch effect {
	case dialect.Keeps:
		s.kept = true
	case dialect.Holds:
		s.holds = true
	case dialect.Taints:
		s.tainted, s.strays = true, true
	}
}

// untaint asks the server what the session is now. It reports false if that
// cannot be known.
func (s *session) untaint(ctx context.Context) bool {
	if s.cache.prober == nil {
		return false
	}
	base, err := s.conn.Base(ctx)
	if err != nil {
		return false // the statement itself will meet the error
	}
	if !s.outside(ctx) {
		return false
	}
	asOf := s.cache.altered.Load()
	id, sess, err := s.cache.probe(ctx, base)
	if err != nil {
		return false
	}
	var was *server
	if m, ok := s.conn.Mark().(*mark); ok {
		was = m.ident.server
	}
	s.own, s.ownAsOf = s.origin.intern(s.origin.reached(id, was), sess), asOf
	s.tainted, s.strays, s.holds, s.kept = false, false, false, true
	return true
}
