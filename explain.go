package querycache

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/querycache/querycache/dialect"
)

// An Explanation says what the cache does with a statement; see
// [Cache.Explain].
type Explanation struct {
	Kind      dialect.Kind
	Tables    []string // relations the answer depends on, by canonical name
	Tags      []string // other tags, from the hint and the context
	Functions []string // functions called
	Writes    []string // relations the statement may write
	WritesAll bool     // it may write anything
	Key       string   // an identifier of the text for logs, the same in all processes of this build
	Cacheable bool
	Reason    Reason        // why it is not cacheable
	TTL       time.Duration // the lifetime it would get
	Source    Source        // where it would be answered from now: Local or Database
	HintError error         // what is wrong with the hint
}

// Explain says what would be done with a statement, without running it: what
// it reads and writes, whether it is cached or why not, and where it would be
// answered from now. It may open a connection and read the catalog, within ctx.
// A database that was not opened through this cache is an error.
func (c *Cache) Explain(ctx context.Context, db *sql.DB, query string, args ...any) (Explanation, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return Explanation{}, err
	}
	defer conn.Close()
	var x Explanation
	err = conn.Raw(func(dc any) error {
		w := find(dc)
		if w == nil {
			return errors.New("querycache: Explain: the database is not opened through a Cache")
		}
		s, ok := w.Session().(*session)
		if !ok || s.cache != c {
			return errors.New("querycache: Explain: the database is not opened through this Cache")
		}
		x = s.explain(ctx, query, args)
		return nil
	})
	return x, err
}

func (s *session) explain(ctx context.Context, query string, args []any) Explanation {
	c := s.cache
	p := c.plans.get(query)
	x := Explanation{
		Kind: p.stmt.Kind, Functions: p.stmt.Functions, Source: Database,
		Key: fmt.Sprintf("%016x", fingerprint(p.key)), Tags: slices.Clone(p.hint.tags),
	}
	opts := optionsOf(ctx)
	if opts != nil {
		x.Tags = append(x.Tags, opts.tags...)
	}
	if p.badHint {
		_, x.HintError = findHint(c.plans.lexicon, query)
	}
	x.WritesAll = p.stmt.MayWrite() // as long as the catalog is not known
	if ident := s.ident(); ident.server != nil {
		if snap := s.catalog(ctx, ident.server); snap != nil {
			d := c.decide(p, ident, snap)
			x.Tables, x.Writes, x.WritesAll = slices.Clone(d.tables), slices.Clone(d.writesTables), d.writes.All()
		}
	}
	if !p.readable() {
		x.Reason = dialect.ReasonNotRead
		return x
	}
	d, ttl, reason := s.cacheable(ctx, p, opts)
	var key []byte
	if reason == "" {
		key, reason = s.buildKey(ctx, p, opts, namedValues(args))
	}
	if x.Reason = reason; reason != "" {
		return x
	}
	x.Cacheable, x.TTL = true, ttl
	hash := hashKey(d.ident, p.hash, key)
	if e, ok := c.entries.Get(hash); ok && e.key.is(d.ident, p.key, key) && (e.stamp.Valid() || d.keeps(opts) && e.stamp.Kept()) && e.age(c.clock, ttl) < min(e.lives, ttl) {
		x.Source = Local
	}
	return x
}

func namedValues(args []any) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		if named, ok := arg.(sql.NamedArg); ok {
			out[i].Name, arg = named.Name, named.Value
		}
		out[i].Ordinal, out[i].Value = i+1, arg
	}
	return out
}

// fingerprint is FNV-1a: short, the same everywhere, and never an identity.
func fingerprint(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
