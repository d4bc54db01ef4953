package querycache

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/internal/wrap"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/stampede"
)

// A Cache answers reads of the databases wrapped with it. Make it with [New].
// It is safe for concurrent use.
type Cache struct {
	cfg      Config
	prober   dialect.Prober        // nil if the dialect is none
	watcher  dialect.Watcher       // nil if the dialect is none
	argJudge dialect.ArgJudge      // nil if the dialect is none
	judge    dialect.ErrorJudge    // nil if the dialect is none
	outages  dialect.OutageJudge   // nil if the dialect is none
	asker    dialect.WriteAsker    // nil if the dialect is none
	embedded bool                  // the dialect is a dialect.Embedded
	rewriter dialect.Rewriter      // nil if arguments never change the text
	scanner  dialect.ColumnScanner // nil if rows do not scan by themselves
	seal     *resultset.Seal       // nil: payloads in the shared tier are not sealed
	implicit bool                  // reads without a hint may be cached

	plans      *plans
	decisions  *decisions
	identities identities
	servers    servers
	entries    *local.Cache[uint64, *entry]
	clock      *local.Clock
	flight     stampede.Flight[queryKey, *resultset.Set, stamp]
	limiter    *stampede.Limiter // of loads
	refreshing *stampede.Limiter // of those in the background
	stats      counters
	warned     sync.Map // subjects of warnings that were logged
	connectors sync.Map // types of connectors that were wrapped
	hintLog    onceSet

	// settings are those that sessions are asked for.
	settings settings
	origins  origins
	disabled atomic.Bool
	// altered counts schema changes in all databases.
	altered atomic.Uint64

	// ctx ends with Close, and with it all work in the background.
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	mu     sync.Mutex // guards closed, and work against Close
	closed bool
}

// read is a query's way: is it cacheable, is it here, is it being loaded, load
// it. Whatever stands in the way of caching sends it to the database as the
// bare driver would.
func (s *session) read(ctx context.Context, stmt *wrap.Stmt, text string, p *plan, args []driver.NamedValue) (driver.Rows, error) {
	c := s.cache
	start := s.sample()
	opts := optionsOf(ctx)
	d, ttl, reason := s.cacheable(ctx, p, opts)
	var key []byte
	if reason == "" {
		key, reason = s.buildKey(ctx, p, opts, args)
	}
	if reason != "" {
		return s.bypass(ctx, stmt, text, p, args, reason, opts)
	}
	hash := hashKey(d.ident, p.hash, key)
	live := d.ident.server.live(ctx, c)
	var old *entry // kept for the load
	if e, ok := c.entries.Get(hash); ok && e.key.is(d.ident, p.key, key) && !p.hint.refresh && (opts == nil || !opts.refresh) {
		switch age := e.age(c.clock, ttl); {
		case !e.stamp.Valid() && (!d.keeps(opts) || !e.stamp.Kept()):
			c.entries.Remove(hash, func(x *entry) bool { return x == e })
		case live && age < ttl && (age < e.calm || age < e.lives && !c.early(p, e, age, ttl)):
			c.stats.hit(start)
			opts.report(Local, "", age, ttl)
			return e.set.Rows(), nil
		default:
			old = e
		}
	}
	l := &load{
		session: s, plan: p, decision: d, opts: opts, hash: hash, ttl: ttl, lapsed: !live,
		key: queryKey{ident: d.ident, text: p.key, args: string(key), kept: d.keeps(opts)},
	}
	if old != nil {
		age := old.age(c.clock, ttl)
		if source := l.aging(ctx, text, args, old, age); source != Unknown {
			c.stats.aged(source, start)
			opts.report(source, "", age, ttl)
			return old.set.Rows(), nil
		}
	}
	return l.run(ctx, stmt, text, args)
}

// cacheable says whether the statement may be answered from the cache here and
// now, with what lifetime, or why not. The cheap questions come first.
func (s *session) cacheable(ctx context.Context, p *plan, opts *options) (*decision, time.Duration, Reason) {
	c := s.cache
	if reason := c.unwanted(p, opts); reason != "" {
		return nil, 0, reason
	}
	switch {
	case *s.open > 0, s.tx != noTx && !mistake.Made(mistake.FillInTx) && s.inside(ctx):
		return nil, 0, ReasonTransaction
	case (s.tainted || s.holds) && !s.untaint(ctx):
		return nil, 0, ReasonSession
	}
	ident := s.ident()
	if ident.refuse == ReasonProbe && s.identified(ctx) {
		ident = s.ident()
	}
	if ident.refuse != "" {
		return nil, 0, ident.refuse
	}
	if !ident.server.reached(ctx, opts) {
		return nil, 0, ReasonNotBefore
	}
	snap := ident.server.current()
	if snap == nil {
		if snap = s.catalog(ctx, ident.server); snap == nil {
			return nil, 0, ReasonCatalog
		}
	}
	d := c.decide(p, ident, snap)
	if d.unasked {
		d = s.ask(ctx, p, d)
	}
	ttl, reason := d.lifetime(opts)
	if reason != "" {
		return nil, 0, reason
	}
	return d, ttl, p.unfit()
}

// unwanted says why nobody wants the statement to be cached; empty if somebody does.
func (c *Cache) unwanted(p *plan, opts *options) Reason {
	switch {
	case c.disabled.Load():
		return ReasonDisabled
	case p.hint.off || opts != nil && opts.bypass:
		return ReasonOff
	case p.badHint:
		return ReasonMalformedHint
	case !c.implicit && p.hint.ttl == 0 && (opts == nil || opts.ttl == 0):
		return ReasonNoTTL
	}
	return ""
}

// buildKey encodes what the answer depends on besides identity and text. The
// result is valid until the next call.
func (s *session) buildKey(ctx context.Context, p *plan, opts *options, args []driver.NamedValue) ([]byte, Reason) {
	key := s.key[:0]
	if varies := s.cache.cfg.Session; varies != nil {
		name, ok := varies(ctx)
		if !ok {
			return nil, ReasonSessionUnknown
		}
		key = appendKeyString(key, name)
	}
	key = append(key, p.declared...)
	if opts != nil {
		for _, tag := range opts.tags {
			key = appendKeyString(append(key, tagName), tag)
		}
	}
	if j := s.cache.argJudge; j != nil && len(args) > 0 {
		if reason := j.RefuseArgs(args); reason != "" {
			return nil, reason
		}
	}
	key, ok := appendArgs(key, args, s.cache.cfg.Dialect)
	if cap(key) <= maxKeySpace {
		s.key = key
	}
	if !ok {
		return nil, ReasonArg
	}
	return key, ""
}

// maxKeySpace bounds what a connection keeps for building keys.
const maxKeySpace = 4 << 10

// bypass sends a read to the database. The rows are the driver's own.
func (s *session) bypass(ctx context.Context, stmt *wrap.Stmt, text string, p *plan, args []driver.NamedValue, reason Reason, opts *options) (driver.Rows, error) {
	c := s.cache
	if err := c.tolerates(p, reason); err != nil {
		return nil, err
	}
	rows, err := s.conn.RunQuery(ctx, stmt, text, args)
	if err == driver.ErrSkip { //nolint:errorlint // database/sql compares it so
		return nil, err // it comes again as a prepared statement, and counts then
	}
	s.ran(p, err)
	c.stats.bypasses.add(reason)
	opts.report(Database, reason, 0, 0)
	if err != nil {
		return nil, err
	}
	return s.live(rows), nil
}

// tolerates returns the error of Config.Strict where it forbids that a statement is
// not cached.
func (c *Cache) tolerates(p *plan, reason Reason) error {
	if c.cfg.Strict && (p.badHint || p.hint.given && reason != ReasonOff && reason != ReasonDisabled) {
		return &RefusedError{Reason: reason}
	}
	return nil
}
