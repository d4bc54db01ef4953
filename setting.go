package querycache

import (
	"context"
	"database/sql/driver"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/querycache/querycache/dialect"
)

// settings are the names, sorted, of all that the catalogs of a Cache have said
// answers depend on. There are never fewer: a session that was asked for more
// than it need be shares less. The zero value is ready.
type settings struct {
	mu    sync.Mutex // guards changes of names
	names atomic.Pointer[[]string]
}

func (s *settings) all() []string {
	if names := s.names.Load(); names != nil {
		return *names
	}
	return nil
}

// learn adds those of a catalog.
func (s *settings) learn(catalog dialect.Catalog) {
	sc, ok := catalog.(dialect.SettingCatalog)
	if !ok || len(sc.Settings()) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Concat(s.all(), sc.Settings())
	slices.Sort(names)
	names = slices.Compact(names)
	s.names.Store(&names)
}

// probe asks a connection who its server and its session are.
func (c *Cache) probe(ctx context.Context, conn driver.Conn) (dialect.Server, dialect.Session, error) {
	if p, ok := c.prober.(dialect.SettingProber); ok {
		return p.ProbeSettings(ctx, conn, c.settings.all())
	}
	return c.prober.Probe(ctx, conn)
}

// ask looks at the session again, because it was not asked for all settings that
// the decision d needs, and decides anew. It is called outside of transactions.
func (s *session) ask(ctx context.Context, p *plan, d *decision) *decision {
	if _, err := s.conn.Base(ctx); err != nil {
		return d // the statement itself will meet the error
	}
	// The connection may have been looked at since, through another read.
	if again := s.redecide(ctx, p, d); !again.unasked {
		return again
	}
	if s.own != nil {
		if !s.untaint(ctx) {
			return d
		}
	} else if m, ok := s.conn.Mark().(*mark); !ok || !s.lookAgain(ctx, m) {
		return d
	}
	return s.redecide(ctx, p, d)
}

// redecide decides for what the session is known as now: d, if nothing is known
// of its server.
func (s *session) redecide(ctx context.Context, p *plan, d *decision) *decision {
	ident := s.ident()
	if ident.refuse != "" || ident.server == nil {
		return d
	}
	snap := s.catalog(ctx, ident.server)
	if snap == nil {
		return d
	}
	return s.cache.decide(p, ident, snap)
}
