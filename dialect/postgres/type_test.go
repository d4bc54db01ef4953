package postgres_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/querycache/querycache"
)

// Values of every built-in type, with those at the edges.
var typed = []struct{ kind, values string }{
	{"bool", "(true), (false), (NULL)"},
	{"int2", "(-32768), (32767), (0), (NULL)"},
	{"int4", "(-2147483648), (2147483647), (NULL)"},
	{"int8", "(-9223372036854775808), (9223372036854775807), (NULL)"},
	{"float4", "(1.5), ('NaN'), ('Infinity'), ('-Infinity'), ('-0'), (NULL)"},
	{"float8", "(0.1), (1e308), (5e-324), ('NaN'), ('Infinity'), ('-Infinity'), ('-0'), (NULL)"},
	{"numeric", "(1), (1.0), (1.00), (0), (-0.0001), (12345678901234567890.123456789), ('NaN'), ('Infinity'), (NULL)"},
	{"numeric(10,4)", "(1), (-99999.9999), (NULL)"},
	{"money", "(1.5), (-0.01), (NULL)"},
	{"text", "(''), ('x'), ('Grüße, 世界'), (E'a\\nb\\\\'), (NULL)"},
	{"varchar(10)", "(''), ('x '), (NULL)"},
	{"char(5)", "('a'), (NULL)"},
	{`"char"`, "('a'), (''), (NULL)"},
	{"name", "('n'), (NULL)"},
	{"bytea", `(''), ('\x00ff27'), (NULL)`},
	{"date", "('2026-02-28'), ('infinity'), ('-infinity'), ('0001-01-01 BC'), ('9999-12-31'), (NULL)"},
	{"time", "('00:00'), ('24:00'), ('12:34:56.789012'), (NULL)"},
	{"timetz", "('12:34:56+05:30'), (NULL)"},
	{"timestamp", "('2026-01-02 03:04:05.678901'), ('infinity'), ('-infinity'), ('0044-03-15 BC'), (NULL)"},
	{"timestamptz", "('2026-07-01 12:00:00+02'), ('infinity'), ('-infinity'), (NULL)"},
	{"interval", "('1 year 2 mons -3 days 04:05:06.789'), ('0'), ('-1 mon +1 day'), (NULL)"},
	{"uuid", "('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (NULL)"},
	{"json", `('{"b": 1, "a":  2, "a": 3}'), ('null'), (NULL)`},
	{"jsonb", `('{"b": 1, "a":  2}'), ('[1, 2.0, "x"]'), ('null'), (NULL)`},
	{"xml", "('<a>b</a>'), (NULL)"},
	{"inet", "('127.0.0.1'), ('10.0.0.0/8'), ('::1'), (NULL)"},
	{"cidr", "('10.0.0.0/8'), ('fe80::/10'), (NULL)"},
	{"macaddr", "('08:00:2b:01:02:03'), (NULL)"},
	{"macaddr8", "('08:00:2b:01:02:03:04:05'), (NULL)"},
	{"bit(3)", "('101'), (NULL)"},
	{"varbit", "(''), ('10101'), (NULL)"},
	{"point", "('(1,2)'), (NULL)"},
	{"line", "('{1,2,3}'), (NULL)"},
	{"lseg", "('[(1,2),(3,4)]'), (NULL)"},
	{"box", "('((1,2),(3,4))'), (NULL)"},
	{"path", "('((1,2),(3,4))'), ('[(1,2)]'), (NULL)"},
	{"polygon", "('((1,2),(3,4),(5,6))'), (NULL)"},
	{"circle", "('<(1,2),3>'), (NULL)"},
	{"tsvector", "('a:1 b:2'), (''), (NULL)"},
	{"tsquery", "('a & b'), (NULL)"},
	{"pg_lsn", "('16/B374D848'), (NULL)"},
	{"oid", "(0), (4294967295), (NULL)"},
	{"int4range", "('[1,5)'), ('empty'), ('(,)'), (NULL)"},
	{"numrange", "('[1.0,2.50]'), (NULL)"},
	{"tstzrange", "('[2026-01-01 00:00+00,infinity)'), (NULL)"},
	{"daterange", "('[2026-01-01,)'), (NULL)"},
	{"int4multirange", "('{[1,3),[5,8)}'), ('{}'), (NULL)"},
	{"int4[]", "('{1,NULL,3}'), ('{}'), ('{{1,2},{3,4}}'), ('[0:1]={5,6}'), (NULL)"},
	{"text[]", `('{a,"b,c",NULL,"NULL",""}'), ('{}'), (NULL)`},
	{"timestamptz[]", "('{2026-01-01 00:00+00,infinity}'), (NULL)"},
	{"numeric[]", "('{1.0,NaN}'), (NULL)"},
	{"bytea[]", `('{"\\x00ff"}'), (NULL)`},
	{"mood", "('sad'), ('happy'), (NULL)"},
	{"posint", "(1), (NULL)"},
	{"pair", "('(1,\"x,y\")'), ('(,)'), (NULL)"},
	{"mood[]", "('{sad,happy}'), (NULL)"},
	{"pair[]", `('{"(1,x)"}'), (NULL)`},
}

var modes = []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"}

// Every value comes back alike cold, hot and from bare pgx, in every exec mode.
func TestTypes(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, `CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN posint AS int CHECK (VALUE > 0); CREATE TYPE pair AS (a int, b text)`)
	for i, test := range typed {
		table := "typed_" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		f.exec(f.bare, "CREATE TABLE "+table+" (id serial, v "+test.kind+")")
		f.exec(f.bare, "INSERT INTO "+table+" (v) VALUES "+test.values)
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			f := &fixture{T: t, dsn: f.dsn, cache: f.cache}
			dsn := f.dsn + "?default_query_exec_mode=" + mode
			f.db, f.bare = f.connect(dsn), f.open("pgx", dsn)
			for i, test := range typed {
				query := "SELECT v FROM typed_" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + " ORDER BY id"
				want, err := dump(t.Context(), f.bare, query)
				if err != nil {
					// What pgx cannot read it cannot read through the cache.
					if _, err2 := dump(t.Context(), f.db, query); err2 == nil || err2.Error() != err.Error() {
						t.Errorf("%s: error %v, bare %v", test.kind, err2, err)
					}
					continue
				}
				if cold, res := f.read(f.db, query); cold != want {
					t.Errorf("%s, cold (%s):\n got %s\nwant %s", test.kind, res.Reason(), cold, want)
				}
				if hot := f.warm(f.db, query); hot != want {
					t.Errorf("%s, hot:\n got %s\nwant %s", test.kind, hot, want)
				}
			}
		})
	}
}

// Arguments of pgx's own types have keys; those that differ have different ones.
func TestArguments(t *testing.T) {
	f := newFixture(t, nil)
	date := func(day int) pgtype.Date {
		return pgtype.Date{Time: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC), Valid: true}
	}
	for _, test := range []struct {
		query string
		args  []any
	}{
		{"SELECT $1::text, n FROM other", []any{"a", "b", nil, pgtype.Text{String: "c", Valid: true}, pgtype.Text{}}},
		{"SELECT $1::int4, n FROM other", []any{1, 2, int32(3), pgtype.Int4{Int32: 4, Valid: true}, pgtype.Int4{}}},
		{"SELECT $1::numeric, n FROM other", []any{"1.0", "1.00", pgtype.Numeric{Exp: 1, NaN: true, Valid: true}}},
		{"SELECT $1::date, n FROM other", []any{date(1), date(2), pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true}}},
		{"SELECT $1::int4[], n FROM other", []any{[]int32{1, 2}, []int32{12}, []int32{}, []int32(nil), pgtype.FlatArray[int32]{7}}},
		{"SELECT $1::text[], n FROM other", []any{[]string{"a", "b"}, []string{"a,b"}, []string{""}, []*string{nil}}},
		{"SELECT $1::uuid, n FROM other", []any{[16]byte{1}, [16]byte{2}, pgtype.UUID{Bytes: [16]byte{3}, Valid: true}}},
		{"SELECT $1::inet, n FROM other", []any{netip.MustParseAddr("10.0.0.1"), netip.MustParsePrefix("10.0.0.0/8")}},
		{"SELECT $1::interval, n FROM other", []any{time.Hour, time.Minute, pgtype.Interval{Days: 1, Valid: true}}},
		{"SELECT $1::jsonb, n FROM other", []any{`{"a":1}`, map[string]any{"a": 2}, map[string]any{"a": 2, "b": nil}}},
		{"SELECT $1::int4range, n FROM other", []any{pgtype.Range[pgtype.Int4]{Lower: pgtype.Int4{Int32: 1, Valid: true}, Upper: pgtype.Int4{Int32: 5, Valid: true}, LowerType: pgtype.Inclusive, UpperType: pgtype.Exclusive, Valid: true}}},
	} {
		for range 2 { // the second time all of them are in memory
			for _, arg := range test.args {
				want, err := dump(t.Context(), f.bare, test.query, arg)
				if err != nil {
					t.Fatalf("%s with %#v: %v", test.query, arg, err)
				}
				if got := f.warm(f.db, test.query, arg); got != want {
					t.Errorf("%s with %#v:\n got %s\nwant %s", test.query, arg, got, want)
				}
			}
		}
	}
	// A type whose methods nobody knows has no key.
	if _, res := f.read(f.db, "SELECT $1::text, n FROM other", valuer{}); res.Reason() != querycache.ReasonArg {
		t.Errorf("refused with %q, want %q", res.Reason(), querycache.ReasonArg)
	}
}

type valuer struct{}

// TextValue implements pgtype.TextValuer.
func (valuer) TextValue() (pgtype.Text, error) { return pgtype.Text{String: "v", Valid: true}, nil }
