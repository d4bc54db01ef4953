package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"

	"github.com/querycache/querycache"
)

func direct(t *testing.T, c driver.Conn, text string) {
	t.Helper()
	if _, err := c.(driver.ExecerContext).ExecContext(context.Background(), text, nil); err != nil {
		t.Fatal(err)
	}
}

// What is written through Unwrap in a transaction is seen when that commits.
func TestUnwrapInTransaction(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	conn := f.conn()
	tx, err := conn.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Raw(func(dc any) error {
		direct(t, querycache.Unwrap(dc.(driver.Conn)), "UPDATE other SET n = 9")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f.read(tx, "SELECT 1") // the exposure has ended
	f.read(f.db, other)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	f.right(other)
}

// A transaction that was begun, or ended, where nobody could see it.
func TestTransactionThroughRaw(t *testing.T) {
	for _, end := range []string{"COMMIT", "ROLLBACK"} {
		f := newFixture(t, nil)
		f.warm(other)
		conn := f.conn()
		raw := func(text string) {
			t.Helper()
			if err := querycache.Raw(t.Context(), conn, func(base driver.Conn) error {
				direct(t, base, text)
				return nil
			}, querycache.ReadOnly); err != nil {
				t.Fatal(err)
			}
		}
		raw("BEGIN IMMEDIATE")
		f.exec(conn, "UPDATE other SET n = 9")
		if _, res := f.read(conn, other); res.Source() != querycache.Database {
			t.Errorf("in a transaction from %v", res.Source())
		}
		f.right(other)
		raw(end)
		f.read(conn, other)
		f.right(other)
		f.read(conn, other)
		if _, res := f.read(conn, other); res.Source() != querycache.Local {
			t.Errorf("after %s from %v (%s)", end, res.Source(), res.Reason())
		}
	}
}

// Schema changes in whatever way they are made: what a write reaches afterwards
// is known.
func TestSchemaChangedBesides(t *testing.T) {
	const (
		ddl   = "CREATE TRIGGER late AFTER INSERT ON other BEGIN INSERT INTO audit VALUES (1); END"
		audit = "SELECT count(*) FROM audit"
	)
	for name, change := range map[string]func(f *fixture, c *sql.Conn){
		"Raw": func(f *fixture, c *sql.Conn) {
			if err := querycache.Raw(f.Context(), c, func(base driver.Conn) error { direct(f.T, base, ddl); return nil }); err != nil {
				f.Fatal(err)
			}
		},
		"Unwrap": func(f *fixture, c *sql.Conn) {
			if err := c.Raw(func(dc any) error { direct(f.T, querycache.Unwrap(dc.(driver.Conn)), ddl); return nil }); err != nil {
				f.Fatal(err)
			}
		},
		"a long text": func(f *fixture, c *sql.Conn) {
			f.exec(c, "INSERT INTO authors(name) VALUES ('"+strings.Repeat("x", 300<<10)+"');"+ddl)
		},
		"with another database attached": func(f *fixture, c *sql.Conn) {
			f.exec(c, "ATTACH ':memory:' AS m")
			f.exec(c, ddl)
			f.exec(c, "DETACH m")
		},
		"after an unknown pragma": func(f *fixture, c *sql.Conn) {
			f.exec(c, "PRAGMA no_such_pragma = 1")
			f.exec(c, ddl)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.warm(audit)
			conn := f.conn()
			change(f, conn)
			f.read(conn, audit)
			if _, res := f.read(conn, audit); name == "a long text" && res.Source() != querycache.Local {
				t.Errorf("on its connection from %v (%s)", res.Source(), res.Reason())
			}
			conn.Close()
			f.warm(audit)
			f.exec(f.db, "INSERT INTO other VALUES (1)")
			f.right(audit)
		})
	}
}

// An answer stored without the tags and tables of a hint is not one with them.
func TestHintsAreInTheKey(t *testing.T) {
	for _, test := range []struct{ hint, write string }{
		{"tags=x", ""},
		{"tables=other,audit", "INSERT INTO audit VALUES (7)"},
	} {
		f := newFixture(t, nil)
		hinted := "SELECT /* cache: ttl=1m " + test.hint + " */ n FROM other"
		f.warm("SELECT /* cache: ttl=1m */ n FROM other")
		f.read(f.db, hinted)
		f.exec(f.bare, "UPDATE other SET n = 5") // past the cache
		if test.write != "" {
			f.exec(f.db, test.write)
		} else if err := f.cache.InvalidateTags(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		f.right(hinted)
	}
}
