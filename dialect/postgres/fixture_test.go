package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
	"github.com/querycache/querycache/internal/testserver"
)

const schema = `
CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE books (id int PRIMARY KEY, title text, author int REFERENCES authors (id), price numeric(8,2));
CREATE TABLE other (n int);
CREATE VIEW shelf AS SELECT b.title, a.name FROM books b JOIN authors a ON a.id = b.author;
CREATE MATERIALIZED VIEW totals AS SELECT author, count(*) AS n FROM books GROUP BY author;
CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE events_25 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_26 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE parent (a int);
CREATE TABLE kid () INHERITS (parent);
CREATE TABLE audited (n int);
CREATE TABLE audit (n int);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.n); RETURN NEW; END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE pets (owner int REFERENCES owners ON DELETE CASCADE);
CREATE UNLOGGED TABLE scratch (n int);
CREATE TABLE secret (n int);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
CREATE FUNCTION double(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * i';
CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM other';
CREATE FUNCTION bump() RETURNS int LANGUAGE sql VOLATILE AS 'UPDATE other SET n = n + 1 RETURNING n';
CREATE PROCEDURE bump_all() LANGUAGE sql AS 'UPDATE other SET n = n + 1';
CREATE VIEW clocked AS SELECT n, now() AS at FROM other;
CREATE SEQUENCE seq;
INSERT INTO authors VALUES (1, 'Le Guin'), (2, 'Lem');
INSERT INTO books VALUES (1, 'The Dispossessed', 1, 9.50), (2, 'Solaris', 2, 7), (3, 'Fiasco', 2, NULL);
INSERT INTO other VALUES (0);
INSERT INTO events VALUES ('2025-05-05', 'a'), ('2026-06-06', 'b');
INSERT INTO parent VALUES (1);
INSERT INTO audited VALUES (1);
INSERT INTO owners VALUES (1);
INSERT INTO pets VALUES (1);
INSERT INTO secret VALUES (1);
INSERT INTO scratch VALUES (1);
REFRESH MATERIALIZED VIEW totals;
`

// A fixture is a database, a cache in front of it, and a bare way around it.
type fixture struct {
	*testing.T
	dsn      string
	cache    *querycache.Cache
	db, bare *sql.DB
	escapes  int64 // how often writes are to be found that were not known of
}

func newFixture(t *testing.T, change func(*querycache.Config)) *fixture {
	t.Helper()
	f := fixtureOn(t, testserver.Postgres(t), schema, func(c *querycache.Config) {
		c.SampleWrites = 1
		if change != nil {
			change(c)
		}
	})
	t.Cleanup(func() {
		if n := f.cache.Stats().WriteEscapes; n != f.escapes {
			t.Errorf("%d tables were written that were not known of, want %d", n, f.escapes)
		}
	})
	return f
}

// fixtureOn makes the schema on a server of the test's choice.
func fixtureOn(t *testing.T, dsn, schema string, change func(*querycache.Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, dsn: dsn}
	f.bare = f.open("pgx", dsn)
	f.exec(f.bare, schema)
	cfg := querycache.Config{Dialect: postgres.Dialect(), DefaultTTL: time.Minute}
	change(&cfg)
	cache, err := querycache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	f.cache = cache
	f.db = f.connect(dsn)
	return f
}

// connect opens a database through the fixture's cache.
func (f *fixture) connect(dsn string) *sql.DB {
	f.Helper()
	c, err := f.cache.Driver(stdlib.GetDefaultDriver()).(driver.DriverContext).OpenConnector(dsn)
	if err != nil {
		f.Fatal(err)
	}
	db := sql.OpenDB(c)
	f.Cleanup(func() { db.Close() })
	return db
}

func (f *fixture) open(name, dsn string) *sql.DB {
	f.Helper()
	db, err := sql.Open(name, dsn)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	return db
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (f *fixture) exec(x execer, query string, args ...any) {
	f.Helper()
	if _, err := x.ExecContext(f.Context(), query, args...); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// read returns the rows as one string, and where they came from.
func (f *fixture) read(q queryer, query string, args ...any) (string, *querycache.Result) {
	f.Helper()
	ctx, res := querycache.WithResult(f.Context())
	out, err := dump(ctx, q, query, args...)
	if err != nil {
		f.Fatalf("%s: %v", query, err)
	}
	return out, res
}

// dump shows values with their Go types, and the metadata of the columns.
func dump(ctx context.Context, q queryer, query string, args ...any) (string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return "", err
	}
	out := ""
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasScale := c.DecimalSize()
		out += fmt.Sprintf("%s %s %v %d %v %d %d %v;", c.Name(), c.DatabaseTypeName(), c.ScanType(), length, hasLength, precision, scale, hasScale)
	}
	for rows.Next() {
		values := make([]any, len(types))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return "", err
		}
		out += "\n"
		for _, v := range values {
			v := *v.(*any)
			if at, ok := v.(time.Time); ok {
				out += fmt.Sprintf("time:%s %v|", at.Format(time.RFC3339Nano), at.Location())
				continue
			}
			out += fmt.Sprintf("%T:%#v|", v, v)
		}
	}
	return out, rows.Err()
}

// warm reads until the answer comes from memory, and fails if it never does.
func (f *fixture) warm(q queryer, query string, args ...any) string {
	f.Helper()
	var reason querycache.Reason
	for tries, end := 20, time.Now().Add(30*time.Second); tries > 0 && time.Now().Before(end); {
		out, res := f.read(q, query, args...)
		if res.Source() == querycache.Local {
			return out
		}
		if reason = res.Reason(); reason == querycache.ReasonCatalog || reason == querycache.ReasonLease {
			time.Sleep(10 * time.Millisecond) // it is read in the background; the machine is busy
			continue
		}
		tries--
	}
	f.Fatalf("%s: never from memory: %q", query, reason)
	return ""
}
