package querycache_test

import (
	"context"
	"testing"

	"github.com/querycache/querycache"
)

// Rows that are being read keep their connection in SQLite's old snapshot: what
// else it reads meanwhile is as old, and must answer nobody else.
func TestOpenRowsHoldASnapshot(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"uncached rows": querycache.WithBypass(context.Background()),
		"too many rows": querycache.WithTTL(context.Background(), 1<<40),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *querycache.Config) { c.MaxRows = 1 })
			f.warm(other)
			conn := f.conn()
			rows, err := conn.QueryContext(ctx, "SELECT id FROM books")
			if err != nil {
				t.Fatal(err)
			}
			rows.Next()
			f.exec(f.db, "UPDATE other SET n = 1")
			if _, res := f.read(conn, other); res.Reason() != querycache.ReasonTransaction {
				t.Errorf("read with %q from %v", res.Reason(), res.Source())
			}
			rows.Close()
			f.right(other)
			f.read(conn, other)
			if _, res := f.read(conn, other); res.Source() != querycache.Local {
				t.Errorf("with the rows closed from %v (%s)", res.Source(), res.Reason())
			}
		})
	}
}

// The catalog is not read in such a snapshot either.
func TestOpenRowsHoldTheCatalog(t *testing.T) {
	f := newFixture(t, nil)
	const audit = "SELECT count(*) FROM audit"
	f.warm(audit)
	conn := f.conn()
	rows, err := conn.QueryContext(querycache.WithBypass(context.Background()), "SELECT id FROM books")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	f.exec(f.db, "CREATE TRIGGER late AFTER INSERT ON other BEGIN INSERT INTO audit VALUES (1); END")
	f.read(conn, "SELECT id FROM authors")
	rows.Close()
	f.warm(audit)
	f.exec(f.db, "INSERT INTO other VALUES (1)")
	f.right(audit)
}

// right checks that a read through the cache shows what the database holds,
// wherever it comes from.
func (f *fixture) right(query string) {
	f.Helper()
	want, _ := f.read(f.bare, query)
	if got, res := f.read(f.db, query); got != want {
		f.Errorf("%s: stale from %v: %q, want %q", query, res.Source(), got, want)
	}
}
