package postgres_test

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/querycache/querycache"
)

// After a schema change all readers need the catalog at once: they wait for it, for
// a moment, instead of each opening a connection, and what they call is no write.
func TestReadersWaitForTheCatalog(t *testing.T) {
	f := newFixture(t, nil)
	const query = "SELECT double(n) FROM other"
	f.warm(f.db, other) // until the catalog is known, what calls a function is a write
	f.warm(f.db, query)
	f.db.SetMaxIdleConns(200)
	var held []*sql.Conn // 200 callers, whose connections are virtual so far
	for range 200 {
		held = append(held, f.conn(f.db))
	}
	// A busy machine may need longer than anybody waits: then another try.
	for try := 1; ; try++ {
		before := f.cache.Stats()
		f.exec(f.db, "CREATE OR REPLACE VIEW again AS SELECT 1")
		var work sync.WaitGroup
		for _, c := range held {
			work.Go(func() {
				var n int
				if err := c.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		after := f.cache.Stats()
		dials := after.Conns.Dials - before.Conns.Dials
		everything := after.Everything[querycache.ReasonCatalog] - before.Everything[querycache.ReasonCatalog]
		bypassed := after.Bypasses[querycache.ReasonCatalog] - before.Bypasses[querycache.ReasonCatalog]
		if dials <= 5 && everything == 0 && bypassed == 0 {
			return
		}
		t.Logf("try %d: 200 readers after a schema change: %d dials, %d counted as a write of everything, %d bypassed", try, dials, everything, bypassed)
		if try == 30 {
			t.Fatal("in none of 30 tries did they wait")
		}
	}
}
