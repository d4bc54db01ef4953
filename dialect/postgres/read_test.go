package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

// What is safe is served from memory, with what the bare driver would return.
func TestServed(t *testing.T) {
	f := newFixture(t, nil)
	for _, test := range []struct {
		query string
		args  []any
	}{
		{"SELECT * FROM books ORDER BY id", nil},
		{"SELECT title FROM public.books WHERE id = $1", []any{1}},
		{"SELECT title FROM books WHERE id = ANY($1) ORDER BY id", []any{[]int32{1, 3}}},
		{"SELECT title FROM books WHERE title = ANY($1::text[])", []any{[]string{"Solaris", "x,y"}}},
		{"SELECT * FROM shelf ORDER BY title", nil},
		{"SELECT * FROM totals ORDER BY author", nil},
		{"SELECT * FROM books WHERE id = 99", nil},
		{"SELECT upper(title), coalesce(price, 0), price::text FROM books ORDER BY 1", nil},
		{"SELECT name, count(*), sum(price), string_agg(title, ',' ORDER BY title) FROM books JOIN authors ON authors.id = author GROUP BY name ORDER BY 1", nil},
		{"WITH w AS (SELECT author, count(*) AS n FROM books GROUP BY author) SELECT * FROM w ORDER BY 1", nil},
		{"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT r.n, o.n FROM r, other o", nil},
		{"SELECT double(n) FROM other", nil},
		{"SELECT to_char(at, 'YYYY'), date_trunc('month', at) FROM events ORDER BY 1", nil},
		{"SELECT row_number() OVER (ORDER BY id), lag(title) OVER w FROM books WINDOW w AS (ORDER BY id)", nil},
		{"SELECT jsonb_build_object('t', title) -> 't' FROM books ORDER BY id", nil},
		{"SELECT * FROM events WHERE at >= $1 ORDER BY at", []any{"2025-01-01"}},
		{"SELECT * FROM parent", nil},
		{"SELECT id FROM books WHERE title LIKE '%now%' OR title = 'What now of it, then'", nil},
		{"SELECT title::text, at::date, what::text FROM books, events ORDER BY 1, 2", nil},
		{"SELECT b.title, b.id, a.name FROM books b JOIN authors a ON a.id = b.author ORDER BY 2", nil},
		{"TABLE other", nil},
		{"SELECT id FROM books WHERE title LIKE 'S%' OR title ~ '^F' ORDER BY 1", nil},
		{"SELECT id FROM books WHERE id = @id", []any{pgx.NamedArgs{"id": 2}}},
		{"SELECT id FROM books WHERE id = $1", []any{pgx.QueryExecModeSimpleProtocol, 2}},
		{"SELECT count(*) FROM books WHERE EXISTS (SELECT 1 FROM authors a WHERE a.id = author)", nil},
	} {
		want, err := dump(t.Context(), f.bare, test.query, test.args...)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if got := f.warm(f.db, test.query, test.args...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", test.query, got, want)
		}
	}
	// A tracer's comments do not matter.
	if _, res := f.read(f.db, "SELECT * FROM books ORDER BY id /*traceparent='00-1'*/"); res.Source() != querycache.Local {
		t.Errorf("with another comment from %v (%s)", res.Source(), res.Reason())
	}
}

// What may differ tomorrow, or for others, goes to the database.
func TestRefused(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(f.db, "SELECT * FROM other")
	for query, want := range map[string]querycache.Reason{
		"SELECT 1":                   dialect.ReasonNoRelation,
		"SELECT now(), n FROM other": dialect.ReasonClock,
		"SELECT n FROM other WHERE current_date > '2020-01-01'":                          dialect.ReasonClock,
		"SELECT age('2020-01-01'::timestamp), n FROM other":                              dialect.ReasonClock,
		"SELECT 'now'::timestamptz, n FROM other":                                        dialect.ReasonClock,
		"SELECT '[now,)'::tstzrange, n FROM other":                                       dialect.ReasonClock,
		"SELECT '{now}'::timestamptz[], n FROM other":                                    dialect.ReasonClock,
		"SELECT 'today12:00'::timestamptz, n FROM other":                                 dialect.ReasonClock,
		"SELECT ('no'||'w')::timestamptz, n FROM other":                                  dialect.ReasonClock,
		"SELECT n, a FROM other, jsonb_to_record('{\"a\":\"now\"}') AS x(a timestamptz)": dialect.ReasonClock,
		"SELECT random(), n FROM other":                                                  dialect.ReasonVolatile,
		"SELECT gen_random_uuid(), n FROM other":                                         dialect.ReasonVolatile,
		"SELECT nextval('seq'), n FROM other":                                            dialect.ReasonVolatile,
		"SELECT current_user, n FROM other":                                              dialect.ReasonSessionFunc,
		"SELECT current_setting('TimeZone'), n FROM other":                               dialect.ReasonSessionFunc,
		"SELECT 'other'::regclass, n FROM other":                                         dialect.ReasonSessionFunc,
		"SELECT pg_backend_pid(), n FROM other":                                          dialect.ReasonSessionFunc,
		"SELECT version(), n FROM other":                                                 dialect.ReasonSessionFunc,
		"SELECT peek(), n FROM other":                                                    dialect.ReasonUnknownFunc,
		"SELECT pg_sleep(0), n FROM other":                                               dialect.ReasonVolatile,
		"SELECT * FROM other FOR UPDATE":                                                 dialect.ReasonLocking,
		"SELECT * FROM (SELECT * FROM other FOR SHARE) AS x":                             dialect.ReasonLocking,
		"SELECT * FROM other TABLESAMPLE BERNOULLI (100)":                                dialect.ReasonSample,
		"SELECT relname FROM pg_class LIMIT 1":                                           dialect.ReasonSystemTable,
		"SELECT table_name FROM information_schema.tables LIMIT 1":                       dialect.ReasonSystemTable,
		"SELECT * FROM scratch":                                                          dialect.ReasonUnlogged,
		"SELECT * FROM clocked":                                                          dialect.ReasonClock,
		"SELECT last_value, n FROM seq, other":                                           dialect.ReasonUnknownTable,
		"SELECT * FROM other; ":                                                          "",
		"SHOW TimeZone":                                                                  dialect.ReasonNotRead,
		"EXPLAIN SELECT * FROM other":                                                    dialect.ReasonNotRead,
	} {
		f.read(f.db, query)
		_, res := f.read(f.db, query)
		if want == dialect.ReasonNotRead && res.Reason() == "" && res.Source() != querycache.Local {
			continue // not a read at all: nothing is said of it
		}
		if res.Reason() != want || want != "" && res.Source() == querycache.Local {
			t.Errorf("%s: %q from %v, want %q", query, res.Reason(), res.Source(), want)
		}
	}
}

// Row security that cannot be followed is refused unless the role is above it.
func TestRowSecurity(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, `CREATE FUNCTION whom() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN 1; END $$; CREATE POLICY p ON secret USING (n = whom())`)
	f.warm(f.db, "SELECT * FROM secret") // the superuser
	f.exec(f.bare, "CREATE ROLE "+role(t)+" LOGIN")
	defer f.exec(f.bare, "DROP OWNED BY "+role(t)+"; DROP ROLE "+role(t))
	f.exec(f.bare, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+role(t))
	db := f.connect(as(t, f.dsn, role(t)))
	for range 2 {
		if _, res := f.read(db, "SELECT * FROM secret"); res.Reason() != dialect.ReasonRowSecurity {
			t.Errorf("%q from %v, want %q", res.Reason(), res.Source(), dialect.ReasonRowSecurity)
		}
	}
	f.warm(db, "SELECT * FROM other")
}
