package querycache_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"reflect"
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

const (
	books   = "SELECT id, title, price FROM books ORDER BY id"
	authors = "SELECT name FROM authors ORDER BY id"
	joined  = "SELECT title, name FROM shelf ORDER BY title"
	audit   = "SELECT count(*) FROM audit"
	other   = "SELECT n FROM other"
)

// Every way to write, and which reads it has to reach.
func TestWritesReachReads(t *testing.T) {
	all := []string{books, authors, joined, audit, other}
	tests := []struct {
		name  string
		write func(f *fixture)
		fresh []string // the others must still come from memory
	}{
		{"insert", func(f *fixture) { f.exec(f.db, "INSERT INTO books (title, author) VALUES ('Eden', 2)") }, []string{books, joined}},
		{"update with a trigger", func(f *fixture) { f.exec(f.db, "UPDATE books SET price = 1 WHERE id = ?", 1) }, []string{books, joined, audit}},
		{"delete", func(f *fixture) { f.exec(f.db, "DELETE FROM books WHERE id = 1") }, []string{books, joined}},
		{"delete that cascades", func(f *fixture) { f.exec(f.db, "DELETE FROM authors WHERE id = 2") }, []string{books, authors, joined}},
		{"upsert", func(f *fixture) {
			f.exec(f.db, "INSERT INTO authors VALUES (1, 'U') ON CONFLICT (id) DO UPDATE SET name = excluded.name")
		}, []string{authors, joined}},
		{"replace", func(f *fixture) { f.exec(f.db, "REPLACE INTO other (rowid, n) VALUES (1, 7)") }, []string{other}},
		{"with", func(f *fixture) { f.exec(f.db, "WITH x AS (SELECT 5 AS n) UPDATE other SET n = (SELECT n FROM x)") }, []string{other}},
		{"nothing written, but it might", func(f *fixture) { f.exec(f.db, "DELETE FROM other WHERE n = 12345") }, []string{other}},
		{"prepared", func(f *fixture) {
			st, err := f.db.Prepare("UPDATE other SET n = ?")
			if err != nil {
				f.Fatal(err)
			}
			defer st.Close()
			if _, err := st.Exec(3); err != nil {
				f.Fatal(err)
			}
		}, []string{other}},
		{"returning, read to the end", func(f *fixture) {
			if _, err := dump(context.Background(), f.db, "UPDATE other SET n = 9 RETURNING n"); err != nil {
				f.Fatal(err)
			}
		}, []string{other}},
		{"returning by QueryRow", func(f *fixture) {
			var n int
			if err := f.db.QueryRow("UPDATE other SET n = 9 RETURNING n").Scan(&n); err != nil || n != 9 {
				f.Fatal(n, err)
			}
		}, []string{other}},
		{"returning, prepared", func(f *fixture) {
			st, err := f.db.Prepare("INSERT INTO other VALUES (?) RETURNING n")
			if err != nil {
				f.Fatal(err)
			}
			defer st.Close()
			var n int
			if err := st.QueryRow(4).Scan(&n); err != nil || n != 4 {
				f.Fatal(n, err)
			}
		}, []string{other}},
		{"several statements in one text", func(f *fixture) {
			f.exec(f.db, "INSERT INTO other VALUES (1); UPDATE authors SET name = 'X' WHERE id = 1")
		}, []string{other, authors, joined}},
		{"a statement that fails half-way", func(f *fixture) {
			if _, err := f.db.Exec("INSERT INTO other VALUES (1); INSERT INTO authors VALUES (1, 'twice')"); err == nil {
				f.Fatal("no error")
			}
		}, []string{other, authors, joined}},
		{"transaction", func(f *fixture) {
			tx, err := f.db.Begin()
			if err != nil {
				f.Fatal(err)
			}
			f.exec(tx, "UPDATE other SET n = 4")
			f.exec(tx, "UPDATE authors SET name = 'T' WHERE id = 2")
			if err := tx.Commit(); err != nil {
				f.Fatal(err)
			}
		}, []string{other, authors, joined}},
		{"rolled back", func(f *fixture) {
			tx, err := f.db.Begin()
			if err != nil {
				f.Fatal(err)
			}
			f.exec(tx, "UPDATE other SET n = 4")
			if err := tx.Rollback(); err != nil {
				f.Fatal(err)
			}
		}, nil},
		{"transaction in text", func(f *fixture) {
			c := f.conn()
			f.exec(c, "BEGIN IMMEDIATE")
			f.exec(c, "UPDATE other SET n = 4")
			f.exec(c, "COMMIT")
		}, []string{other}},
		{"transaction in one text", func(f *fixture) { f.exec(f.db, "BEGIN; UPDATE other SET n = 6; COMMIT") }, []string{other}},
		{"rolled back in text", func(f *fixture) {
			c := f.conn()
			f.exec(c, "BEGIN")
			f.exec(c, "UPDATE other SET n = 4")
			f.exec(c, "ROLLBACK")
		}, nil},
		{"savepoints in text", func(f *fixture) {
			c := f.conn()
			f.exec(c, "SAVEPOINT a")
			f.exec(c, "UPDATE other SET n = 4")
			f.exec(c, "SAVEPOINT b")
			f.exec(c, "UPDATE authors SET name = 'S' WHERE id = 2")
			f.exec(c, "ROLLBACK TO b")
			f.exec(c, "RELEASE b")
			f.exec(c, "RELEASE a")
		}, []string{other, authors, joined}},
		{"through Raw", func(f *fixture) {
			err := querycache.Raw(context.Background(), f.conn(), func(base driver.Conn) error {
				_, err := base.(driver.ExecerContext).ExecContext(context.Background(), "UPDATE other SET n = 5", nil)
				return err
			}, "other")
			if err != nil {
				f.Fatal(err)
			}
		}, []string{other}},
		{"through Raw, tables not said", func(f *fixture) {
			err := querycache.Raw(context.Background(), f.conn(), func(base driver.Conn) error {
				_, err := base.(driver.ExecerContext).ExecContext(context.Background(), "UPDATE other SET n = 5", nil)
				return err
			})
			if err != nil {
				f.Fatal(err)
			}
		}, all},
		{"through Raw, read only", func(f *fixture) {
			err := querycache.Raw(context.Background(), f.conn(), func(driver.Conn) error { return nil }, querycache.ReadOnly)
			if err != nil {
				f.Fatal(err)
			}
		}, nil},
		{"through Unwrap", func(f *fixture) {
			c := f.conn()
			err := c.Raw(func(dc any) error {
				base := querycache.Unwrap(dc.(driver.Conn))
				_, err := base.(driver.ExecerContext).ExecContext(context.Background(), "UPDATE other SET n = 5", nil)
				return err
			})
			if err != nil {
				f.Fatal(err)
			}
			c.Close()
		}, all},
		{"Invalidate", func(f *fixture) {
			f.exec(f.bare, "UPDATE other SET n = 8")
			if err := f.cache.Invalidate(context.Background(), "other"); err != nil {
				f.Fatal(err)
			}
		}, []string{other}},
		{"Invalidate of a view", func(f *fixture) {
			if err := f.cache.Invalidate(context.Background(), "main.Shelf"); err != nil {
				f.Fatal(err)
			}
		}, []string{books, authors, joined}},
		{"InvalidateAll", func(f *fixture) {
			if err := f.cache.InvalidateAll(context.Background()); err != nil {
				f.Fatal(err)
			}
		}, all},
		{"reads", func(f *fixture) { f.read(f.db, "SELECT max(price) FROM books") }, nil},
		{"pragma that reads", func(f *fixture) { f.exec(f.db, "PRAGMA table_info(books)") }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			for _, q := range all {
				f.warm(q)
			}
			tt.write(f)
			for _, q := range all {
				written := false
				for _, w := range tt.fresh {
					written = written || w == q
				}
				if written {
					f.fresh(q)
				} else {
					f.cached(q)
				}
			}
		})
	}
}

// A schema change reaches everything, and what is cached afterwards depends
// on the new schema.
func TestSchemaChange(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(joined)
	f.exec(f.db, "DROP VIEW shelf")
	f.exec(f.db, "CREATE VIEW shelf AS SELECT CAST(n AS TEXT) AS title, 'x' AS name FROM other")
	f.fresh(joined)
	f.eventuallyCached(joined)
	f.exec(f.db, "UPDATE other SET n = 99")
	f.fresh(joined)

	f.warm(other)
	tx, err := f.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	f.exec(tx, "ALTER TABLE other ADD COLUMN m INTEGER DEFAULT 3")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	f.fresh("SELECT * FROM other")
	f.eventuallyCached("SELECT * FROM other")
}

// eventuallyCached waits for the catalog, which is read in the background.
func (f *fixture) eventuallyCached(query string, args ...any) {
	f.Helper()
	for range 20_000 {
		if _, res := f.read(f.db, query, args...); res.Source() == querycache.Local {
			f.cached(query, args...)
			return
		}
	}
	_, res := f.read(f.db, query, args...)
	f.Fatalf("%s: still from %v (%s)", query, res.Source(), res.Reason())
}

// In a transaction nothing is served from the cache and nothing is stored.
func TestTransactionsReadTheirOwn(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	tx, err := f.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	f.refused(tx, querycache.ReasonTransaction, other)
	f.exec(tx, "UPDATE other SET n = 77")
	if got, _ := f.read(tx, other); got != "int64:77 \n" {
		t.Errorf("own write not seen: %q", got)
	}
	f.cached(other) // others see what is committed, from memory
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.cached(other)

	c := f.conn()
	f.exec(c, "BEGIN")
	f.refused(c, querycache.ReasonTransaction, other)
	f.exec(c, "UPDATE other SET n = 78")
	if got, _ := f.read(c, other); got != "int64:78 \n" {
		t.Errorf("own write not seen: %q", got)
	}
	f.exec(c, "ROLLBACK")
	if _, res := f.read(c, other); res.Source() != querycache.Local {
		t.Errorf("after ROLLBACK from %v (%s)", res.Source(), res.Reason())
	}
}

// Between Query and Close of a RETURNING statement a read on another
// connection must see what the database shows, whatever that is.
func TestReturningHeldOpen(t *testing.T) {
	for _, rows := range []int{1, 100} {
		f := newFixture(t, func(c *querycache.Config) { c.MaxRows = 10 })
		for range rows - 1 {
			f.exec(f.bare, "INSERT INTO other VALUES (0)")
		}
		const sum = "SELECT sum(n), count(*) FROM other"
		f.warm(sum)
		held, err := f.db.Query("UPDATE other SET n = n + 1 RETURNING n")
		if err != nil {
			t.Fatal(err)
		}
		if !held.Next() {
			t.Fatal(held.Err())
		}
		f.equal(sum)
		f.equal(sum)
		for held.Next() {
		}
		f.equal(sum)
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
		f.equal(sum)
		f.cached(sum)
	}
}

// equal requires only that cache and database say the same.
func (f *fixture) equal(query string, args ...any) {
	f.Helper()
	want, _ := f.read(f.bare, query, args...)
	if got, res := f.read(f.db, query, args...); got != want {
		f.Errorf("%s: from %v\n%s\nthe database says\n%s", query, res.Source(), got, want)
	}
}

// SQLite may end a transaction by itself; what is then written is committed at
// once, while database/sql believes in the transaction.
func TestWriteAfterImplicitRollback(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	tx, err := f.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT OR ROLLBACK INTO authors VALUES (1, 'twice')"); err == nil {
		t.Fatal("no error")
	}
	f.exec(tx, "UPDATE other SET n = 55") // in autocommit mode by now
	f.fresh(other)
	_ = tx.Rollback() // fails: there is no transaction
	f.equal(other)
}

func TestTagsInHintsAndContexts(t *testing.T) {
	f := newFixture(t, nil)
	const hinted = "SELECT n /* cache: ttl=1m tags=tenant:42 */ FROM other"
	f.warm(hinted)
	f.warm(books)
	if err := f.cache.InvalidateTags(context.Background(), "tenant:42"); err != nil {
		t.Fatal(err)
	}
	f.fresh(hinted)
	f.cached(books)

	ctx := querycache.WithTags(context.Background(), "x")
	get := func() querycache.Source {
		ctx, res := querycache.WithResult(ctx)
		if _, err := dump(ctx, f.db, other); err != nil {
			t.Fatal(err)
		}
		return res.Source()
	}
	if got := []querycache.Source{get(), get()}; got[0] != querycache.Database || got[1] != querycache.Local {
		t.Errorf("under tags from %v", got)
	}
	if err := f.cache.InvalidateTags(context.Background(), "x"); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != querycache.Database {
		t.Errorf("after InvalidateTags from %v", got)
	}
}

func TestRawRefuses(t *testing.T) {
	f := newFixture(t, nil)
	called := false
	run := func(driver.Conn) error { called = true; return nil }
	if err := querycache.Raw(context.Background(), f.conn(), run, "a..b"); err == nil {
		t.Error("a malformed name is accepted")
	}
	bare, err := f.bare.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	if err := querycache.Raw(context.Background(), bare, run); err == nil {
		t.Error("a connection that is not wrapped is accepted")
	}
	if called {
		t.Error("run although refused")
	}
	boom := errors.New("boom")
	if err := querycache.Raw(context.Background(), f.conn(), func(driver.Conn) error { return boom }, "other"); err != boom {
		t.Errorf("error %v, want the function's own", err)
	}
}

// Whoever asks first after a schema change is told as much as those who ask later.
func TestExplainFirst(t *testing.T) {
	for _, query := range []string{joined, "UPDATE books SET price = 1"} {
		f := newFixture(t, nil)
		f.exec(f.db, "CREATE TABLE made (n INTEGER)")
		first, err := f.cache.Explain(f.Context(), f.db, query)
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.cache.Explain(f.Context(), f.db, query)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(first, again) || len(first.Tables)+len(first.Writes) == 0 {
			t.Errorf("%s:\n%+v at first,\n%+v then", query, first, again)
		}
	}
}

// What an operator can ask for.
func TestExplain(t *testing.T) {
	f := newFixture(t, nil)
	ctx := context.Background()
	x, err := f.cache.Explain(ctx, f.db, joined)
	if err != nil {
		t.Fatal(err)
	}
	if x.Kind != dialect.Read || !x.Cacheable || x.Source != querycache.Database || len(x.Tables) != 2 {
		t.Errorf("%+v", x)
	}
	f.warm(joined)
	if x, _ := f.cache.Explain(ctx, f.db, joined); x.Source != querycache.Local {
		t.Errorf("%+v", x)
	}
	x, err = f.cache.Explain(ctx, f.db, "UPDATE books SET price = 1")
	if err != nil {
		t.Fatal(err)
	}
	if x.Cacheable || x.Kind != dialect.Write || len(x.Writes) != 2 || x.WritesAll {
		t.Errorf("%+v", x)
	}
	if _, err := f.cache.Explain(ctx, f.bare, books); err == nil {
		t.Error("a database that is not opened through the cache is explained")
	}
	x, err = f.cache.Explain(ctx, f.db, "SELECT /* cache: ttl=x */ 1 FROM books")
	if err != nil || x.HintError == nil || x.Reason != querycache.ReasonMalformedHint {
		t.Errorf("%+v, %v", x, err)
	}
}
