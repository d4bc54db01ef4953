//go:build go1.27

package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres/pgsql"
)

const posts = moods + `;
CREATE TABLE posts (id int PRIMARY KEY, tags text[], doc jsonb, mood mood, at timestamptz, n numeric, spans tstzrange);
INSERT INTO posts SELECT i, ARRAY['a', 'b' || i], jsonb_build_object('A', i, 'B', NULL), 'sad', '2026-01-01 00:00+00'::timestamptz + i * interval '1 h', i, tstzrange('2026-01-01 00:00+00', NULL)
FROM generate_series(1, 5) AS i`

// custom opens the fixture's database with a hook on its connections, bare and
// through a cache that is told that nothing else varies.
func (f *fixture) custom(hook func(context.Context, *pgx.Conn) error, wrap func(driver.Connector) driver.Connector) {
	f.Helper()
	cfg, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		f.Fatal(err)
	}
	connector := stdlib.GetConnector(*cfg, stdlib.OptionAfterConnect(hook))
	if wrap != nil {
		connector = wrap(connector)
	}
	f.bare, f.db = sql.OpenDB(connector), f.cache.OpenDB(connector)
	f.Cleanup(func() { f.bare.Close(); f.db.Close() })
}

func nothingVaries(cfg *querycache.Config) {
	cfg.Session = func(context.Context) (string, bool) { return "", true }
}

// What a program has taught its connections is not known to others, so what it
// touches is not cached; but it arrives.
func TestScanCustom(t *testing.T) {
	enum := func(name string) func(context.Context, *pgx.Conn) error {
		return func(ctx context.Context, c *pgx.Conn) error {
			t, err := c.LoadType(ctx, "mood")
			if err == nil {
				t.Name = name
				c.TypeMap().RegisterType(t)
			}
			return err
		}
	}
	doc := func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{Name: "jsonb", OID: pgtype.JSONBOID, Codec: &pgtype.JSONBCodec{
			Marshal: json.Marshal,
			Unmarshal: func(_ []byte, v any) error {
				if d, ok := v.(*document); ok {
					d.B = "custom"
				}
				return nil
			},
		}})
		return nil
	}
	zone := func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.FixedZone("HERE", 3600)}})
		return nil
	}
	wrappers := func(_ context.Context, c *pgx.Conn) error {
		m := c.TypeMap()
		m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{func(any) (pgtype.WrappedScanPlanNextSetter, any, bool) {
			return nil, nil, false
		}}, m.TryWrapScanPlanFuncs...)
		return nil
	}
	replaced := func(_ context.Context, c *pgx.Conn) error {
		m := c.TypeMap()
		m.TryWrapScanPlanFuncs[6] = pgtype.TryWrapStructScanPlan
		return nil
	}
	for _, test := range []struct {
		name    string
		hook    func(context.Context, *pgx.Conn) error
		refused string // columns
	}{
		{"enum", enum("mood"), "mood"},
		{"enum under another name", enum("numeric"), "mood n"},
		{"enum under a number", enum("600"), "mood"},
		{"json", doc, "doc"},
		{"timestamptz", zone, "at spans"},
		{"wrappers", wrappers, "id tags doc mood at n spans"},
		{"replaced wrapper", replaced, "id tags doc mood at n spans"},
		{"nothing", func(context.Context, *pgx.Conn) error { return nil }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, nothingVaries)
			f.exec(f.bare, posts)
			f.custom(test.hook, nil)
			for _, column := range strings.Fields("id tags doc mood at n spans") {
				query := "SELECT " + column + " FROM posts ORDER BY id"
				want, err := scanDump(t.Context(), f.bare, query)
				if err != nil {
					t.Fatal(err)
				}
				f.settle(query)
				ctx, res := querycache.WithResult(t.Context())
				got, err := scanDump(ctx, f.db, query)
				if err != nil {
					t.Fatal(err)
				}
				differ(t, column, got, want)
				refused := strings.Contains(" "+test.refused+" ", " "+column+" ")
				if reason := res.Reason(); refused != (reason == querycache.ReasonCustomType) || refused == (res.Source() == querycache.Local) {
					t.Errorf("%s: from %v (%s), refused %t", column, res.Source(), reason, refused)
				}
			}
		})
	}
}

// settle reads a query until its answer comes from memory or is refused for its
// types.
func (f *fixture) settle(query string, args ...any) {
	f.Helper()
	for range 500 {
		ctx, res := querycache.WithResult(f.Context())
		rows, err := f.db.QueryContext(ctx, query, args...)
		if err != nil {
			f.Fatal(err)
		}
		for rows.Next() {
		}
		if err := rows.Close(); err != nil {
			f.Fatal(err)
		}
		if res.Source() == querycache.Local || res.Reason() == querycache.ReasonCustomType {
			return
		}
		time.Sleep(10 * time.Millisecond) // the catalog is read in the background
	}
	f.Fatalf("%s: never settled", query)
}

// Rows of pgx behind the connection of somebody else, or under a dialect that
// does not know pgx, are left alone.
func TestScanUnknownDriver(t *testing.T) {
	f := newFixture(t, nothingVaries)
	f.exec(f.bare, posts)
	hidden := *f
	hidden.custom(func(context.Context, *pgx.Conn) error { return nil }, func(c driver.Connector) driver.Connector { return hiding{c} })
	generic := newFixture(t, func(cfg *querycache.Config) { cfg.Dialect = pgsql.Dialect{} })
	generic.exec(generic.bare, posts)
	for name, f := range map[string]*fixture{"hidden": &hidden, "generic": generic} {
		const query = "SELECT tags FROM posts ORDER BY id"
		want, err := scanDump(t.Context(), f.bare, query)
		if err != nil {
			t.Fatal(err)
		}
		f.settle(query)
		ctx, res := querycache.WithResult(t.Context())
		got, err := scanDump(ctx, f.db, query)
		if err != nil || res.Reason() != querycache.ReasonCustomType {
			t.Errorf("%s: from %v (%s), %v", name, res.Source(), res.Reason(), err)
		}
		differ(t, name, got, want)
	}
}

// hiding makes connections that are no longer pgx's.
type hiding struct{ driver.Connector }

// Connect implements driver.Connector.
func (h hiding) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := h.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return struct{ *stdlib.Conn }{c.(*stdlib.Conn)}, nil
}

// Arguments can choose the format in which values come.
func TestScanFormats(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, posts)
	f.settle(other)
	every := pgx.QueryResultFormatsByOID{pgtype.TextArrayOID: 1, pgtype.JSONBOID: 1, pgtype.TimestamptzOID: 0, pgtype.NumericOID: 1, pgtype.TstzrangeOID: 1}
	for i, test := range []struct {
		args    []any
		refused bool
	}{
		{[]any{every}, true},
		{[]any{pgx.QueryExecModeCacheDescribe, every}, true},
		{[]any{pgx.QueryResultFormats{1}}, true},
		{[]any{pgx.QueryResultFormatsByOID(nil), pgx.QueryResultFormats{1}}, true},
		{[]any{pgx.QueryExecModeExec}, false},
		{[]any{pgx.QueryExecModeSimpleProtocol}, false},
		{[]any{pgx.NamedArgs{}, pgx.QueryExecModeExec}, false},
	} {
		for _, column := range strings.Fields("id tags doc n spans at") {
			what := fmt.Sprintf("%s with %T", column, test.args)
			// A refusal counts for a text: each has its own.
			query := fmt.Sprintf("SELECT %s FROM posts ORDER BY id /* %d */", column, i)
			want, err := scanDump(t.Context(), f.bare, query, test.args...)
			if err != nil {
				t.Fatal(err)
			}
			f.settle(query, test.args...)
			ctx, res := querycache.WithResult(t.Context())
			got, err := scanDump(ctx, f.db, query, test.args...)
			if err != nil {
				t.Fatal(err)
			}
			if column != "at" || test.refused {
				differ(t, what, got, want)
			}
			if test.refused != (res.Reason() == querycache.ReasonCustomType) {
				t.Errorf("%s: from %v (%s), refused %t", what, res.Source(), res.Reason(), test.refused)
			}
		}
	}
}

// Rows that are too many begin in memory and go on live.
func TestScanTooLarge(t *testing.T) {
	f := newFixture(t, func(cfg *querycache.Config) { cfg.MaxRows = 2 })
	f.exec(f.bare, posts)
	f.settle(other)
	for _, column := range strings.Fields("id tags doc mood at n spans") {
		query := "SELECT " + column + " FROM posts ORDER BY id"
		want, err := scanDump(t.Context(), f.bare, query)
		if err != nil {
			t.Fatal(err)
		}
		ctx, res := querycache.WithResult(t.Context())
		got, err := scanDump(ctx, f.db, query)
		if err != nil || res.Reason() != querycache.ReasonTooLarge {
			t.Errorf("%s: from %v (%s), %v", query, res.Source(), res.Reason(), err)
		}
		differ(t, column, got, want)
	}
}

// What a write returns is scanned alike, known types or not, and the write is
// seen as soon as it has ended.
func TestScanReturning(t *testing.T) {
	f := newFixture(t, nothingVaries)
	f.exec(f.bare, posts)
	f.custom(func(ctx context.Context, c *pgx.Conn) error {
		t, err := c.LoadType(ctx, "mood")
		if err == nil {
			c.TypeMap().RegisterType(t)
		}
		return err
	}, nil)
	const count = "SELECT sum(n)::int FROM posts"
	for i, column := range strings.Fields("id tags doc mood at n spans") {
		f.warm(f.db, count)
		write := "UPDATE posts SET n = n + 1 WHERE id <= 3 RETURNING " + column
		want, err := scanDump(t.Context(), f.bare, strings.Replace(write, "n + 1", "n", 1))
		if err != nil {
			t.Fatal(err)
		}
		got, err := scanDump(t.Context(), f.db, write)
		if err != nil {
			t.Fatal(err)
		}
		if column != "n" {
			differ(t, column, got, want)
		}
		var n int
		if err := f.db.QueryRow(count).Scan(&n); err != nil || n != 15+3*(i+1) {
			t.Errorf("%s: %d, %v, want %d", column, n, err, 15+3*(i+1))
		}
	}
	// Not read to the end.
	f.warm(f.db, count)
	var mood string
	if err := f.db.QueryRow("UPDATE posts SET n = 0 RETURNING mood").Scan(&mood); err != nil || mood != "sad" {
		t.Fatal(mood, err)
	}
	var n int
	if err := f.db.QueryRow(count).Scan(&n); err != nil || n != 0 {
		t.Errorf("after QueryRow: %d, %v", n, err)
	}
}

// Many scan one answer at a time.
func TestScanConcurrently(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, posts)
	const query = "SELECT tags, doc, mood, at, spans FROM posts WHERE id = 2"
	f.warm(f.db, query)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				var tags []string
				var doc map[string]any
				var mood string
				var at time.Time
				var spans pgtype.Range[*time.Time]
				if err := f.db.QueryRow(query).Scan(&tags, &doc, &mood, &at, &spans); err != nil || tags[1] != "b2" || doc["A"] != 2.0 || mood != "sad" || spans.Lower == nil {
					t.Errorf("%v %v %v %v: %v", tags, doc, mood, spans, err)
				}
				tags[1], doc["A"] = "mine", nil
			}
		})
	}
	wg.Wait()
}
