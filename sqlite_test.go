package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/sqlite"
)

// A fixture is a SQLite database in a file, a cache in front of it, and a bare
// way around the cache.
type fixture struct {
	*testing.T
	cache *querycache.Cache
	db    *sql.DB
	bare  *sql.DB
	dsn   string
}

const schema = `
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, author INTEGER REFERENCES authors(id) ON DELETE CASCADE, price REAL, cover BLOB);
CREATE TABLE audit (n INTEGER);
CREATE TABLE other (n INTEGER);
CREATE VIEW shelf AS SELECT b.title, a.name FROM books b JOIN authors a ON a.id = b.author;
CREATE TRIGGER books_audit AFTER UPDATE ON books BEGIN INSERT INTO audit VALUES (NEW.id); END;
INSERT INTO authors VALUES (1, 'Le Guin'), (2, 'Lem');
INSERT INTO books VALUES (1, 'The Dispossessed', 1, 9.5, x'00ff'), (2, 'Solaris', 2, 7, NULL), (3, 'Fiasco', 2, NULL, x'');
INSERT INTO audit VALUES (0);
INSERT INTO other VALUES (0);
`

func newFixture(t *testing.T, change func(*querycache.Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, dsn: filepath.Join(t.TempDir(), "test.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"}
	f.bare = open(t, "sqlite", f.dsn)
	if _, err := f.bare.Exec(schema); err != nil {
		t.Fatal(err)
	}
	cfg := querycache.Config{Dialect: sqlite.Dialect(), DefaultTTL: time.Minute}
	if change != nil {
		change(&cfg)
	}
	cache, err := querycache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.cache = cache
	t.Cleanup(func() { cache.Close() })
	f.db = f.connect(f.dsn)
	return f
}

// connect opens a database through the fixture's cache.
func (f *fixture) connect(dsn string) *sql.DB {
	f.Helper()
	base, err := modernc.NewConnector(dsn)
	if err != nil {
		f.Fatal(err)
	}
	db := f.cache.OpenDB(base)
	f.Cleanup(func() { db.Close() })
	return db
}

func open(t *testing.T, name, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// read returns the rows as one string, and where they came from.
func (f *fixture) read(q queryer, query string, args ...any) (string, *querycache.Result) {
	f.Helper()
	ctx, res := querycache.WithResult(context.Background())
	out, err := dump(ctx, q, query, args...)
	if err != nil {
		f.Fatalf("%s: %v", query, err)
	}
	return out, res
}

func dump(ctx context.Context, q queryer, query string, args ...any) (string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	out := ""
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return "", err
		}
		for _, v := range values {
			out += fmt.Sprintf("%T:%v ", *v.(*any), *v.(*any))
		}
		out += "\n"
	}
	return out, rows.Err()
}

// patience is what only a fault takes.
const patience = 30 * time.Second

// steady is read as it is while the fleet is heard of: a busy machine may lose
// Redis for a moment, and then all is asked of the database.
func (f *fixture) steady(query string, args ...any) (string, *querycache.Result) {
	f.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		out, res := f.read(f.db, query, args...)
		if res.Reason() != querycache.ReasonLease || time.Now().After(end) {
			return out, res
		}
	}
}

// warm reads twice and requires the second answer to come from memory. In a
// fleet an answer may also be lost, to a machine that is busy; it is then read
// again.
func (f *fixture) warm(query string, args ...any) {
	f.Helper()
	first, _ := f.steady(query, args...)
	second, res := f.steady(query, args...)
	fleet := len(f.cache.Stats().Shared.Databases) > 0
	for end := time.Now().Add(patience); fleet && res.Source() != querycache.Local && time.Now().Before(end); time.Sleep(time.Millisecond) {
		first = second
		second, res = f.steady(query, args...)
	}
	if res.Source() != querycache.Local {
		f.Fatalf("%s: second read from %v (%s), want local", query, res.Source(), res.Reason())
	}
	if first != second {
		f.Fatalf("%s: first\n%s\nsecond\n%s", query, first, second)
	}
}

// fresh requires that a read is not answered from memory and is what the
// database says.
func (f *fixture) fresh(query string, args ...any) {
	f.Helper()
	want, _ := f.read(f.bare, query, args...)
	got, res := f.read(f.db, query, args...)
	if got != want {
		f.Errorf("%s: stale\n%s\nthe database says\n%s", query, got, want)
	}
	if res.Source() == querycache.Local {
		f.Errorf("%s: from memory, although it was written", query)
	}
}

// cached requires that a read is still answered from memory, and right.
func (f *fixture) cached(query string, args ...any) {
	f.Helper()
	want, _ := f.read(f.bare, query, args...)
	got, res := f.steady(query, args...)
	if got != want {
		f.Errorf("%s: stale\n%s\nthe database says\n%s", query, got, want)
	}
	if res.Source() != querycache.Local {
		f.Errorf("%s: from %v (%s), want local", query, res.Source(), res.Reason())
	}
}

// refused requires that a read is never cached, for the reason given.
func (f *fixture) refused(q queryer, reason querycache.Reason, query string, args ...any) {
	f.Helper()
	for range 2 {
		_, res := f.read(q, query, args...)
		if res.Source() != querycache.Database || res.Reason() != reason {
			f.Errorf("%s: from %v, reason %q, want database, %q", query, res.Source(), res.Reason(), reason)
		}
	}
}

func (f *fixture) exec(q interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, query string, args ...any) {
	f.Helper()
	if _, err := q.ExecContext(context.Background(), query, args...); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
}

func (f *fixture) conn() *sql.Conn {
	f.Helper()
	c, err := f.db.Conn(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	return c
}
