package postgres_test

import (
	"testing"

	"github.com/querycache/querycache"
)

// Two sessions that differ in one setting only: each is shown what the bare
// driver shows in the same state, also where the setting came with a function,
// or for the length of a transaction.
func TestSettings(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, "CREATE TABLE texts (t text, b bytea, f float8, at timestamptz, d date, i interval, m money); "+
		`INSERT INTO texts VALUES ('déjà', '\x6100ff', 1.0/3, '2026-07-01 12:00+00', '2026-02-01', '40 days 3 hours', 1234.5)`)
	a, b := f.mirror(f.dsn, ""), f.mirror(f.dsn, "")
	for _, test := range []struct {
		setting, value, query string
		same                  bool // both see the same, or this server has no such value
	}{
		{setting: "DateStyle", value: "German", query: "SELECT d::text, at::text FROM texts"},
		{setting: "DateStyle", value: "'ISO, DMY'", query: "SELECT '01/02/2026'::date FROM texts"},
		{setting: "IntervalStyle", value: "iso_8601", query: "SELECT i::text FROM texts"},
		{setting: "TimeZone", value: "'Asia/Tokyo'", query: "SELECT at::text FROM texts"},
		{setting: "TimeZone", value: "'Asia/Tokyo'", query: "SELECT to_char(at, 'HH24 TZ'), at::date, date_trunc('day', at)::text FROM texts"},
		{setting: "TimeZone", value: "'Asia/Tokyo'", query: "SELECT to_json(at), row_to_json(texts) FROM texts"},
		{setting: "TimeZone", value: "'Asia/Tokyo'", query: "SELECT concat(at), format('%s', at) FROM texts"},
		{setting: "TimeZone", value: "'Asia/Tokyo'", query: "SELECT '2026-07-01 12:00'::timestamptz = at FROM texts"},
		{setting: "timezone_abbreviations", value: "'Australia'", query: "SELECT ('2026-01-01 12:00 EST')::timestamptz FROM texts"},
		{setting: "bytea_output", value: "escape", query: "SELECT b::text FROM texts"},
		{setting: "extra_float_digits", value: "-5", query: "SELECT f::text, to_json(f) FROM texts"},
		{setting: "extra_float_digits", value: "-5", query: "SELECT ARRAY[f]::text FROM texts"},
		{setting: "array_nulls", value: "off", query: "SELECT ('{NULL}'::text[])[1] FROM texts"},
		{setting: "default_text_search_config", value: "'simple'", query: "SELECT to_tsvector('running dogs')::text FROM texts"},
		{setting: "transform_null_equals", value: "on", query: "SELECT d FROM texts WHERE (t = NULL) IS NULL"},
		{setting: "quote_all_identifiers", value: "on", query: "SELECT quote_ident('abc') FROM texts"},
		{setting: "xmlbinary", value: "hex", query: "SELECT xmlelement(name a, b)::text FROM texts"},
		{setting: "xmloption", value: "document", query: "SELECT 'abc'::xml::text FROM texts"},
		{setting: "standard_conforming_strings", value: "off", query: `SELECT 'a\nb' FROM texts`},
		{setting: "backslash_quote", value: "off", query: `SELECT E'\'' FROM texts`},
		{setting: "client_encoding", value: "LATIN1", query: "SELECT t FROM texts"},
		{setting: "row_security", value: "off", query: "SELECT t FROM texts", same: true},
		{setting: "lc_monetary", value: "'POSIX'", query: "SELECT m::text FROM texts", same: true},
		{setting: "lc_numeric", value: "'POSIX'", query: "SELECT to_char(f, '9D99') FROM texts", same: true},
		{setting: "lc_time", value: "'POSIX'", query: "SELECT to_char(d, 'TMMonth') FROM texts", same: true},
		{setting: "lc_messages", value: "'POSIX'", query: "SELECT t FROM texts", same: true},
		{setting: "search_path", value: "pg_catalog", query: "SELECT n FROM other"},
		{setting: "gin_fuzzy_search_limit", value: "100", query: "SELECT t FROM texts", same: true},
		{setting: "work_mem", value: "'1MB'", query: "SELECT t FROM texts", same: true},
		{setting: "app.anything", value: "'x'", query: "SELECT t FROM texts", same: true},
	} {
		usual := f.warm(a.cached, test.query)
		for _, set := range []string{
			"SET " + test.setting + " = " + test.value,
			"SELECT set_config('" + test.setting + "', $$" + unquote(test.value) + "$$, false)",
			"DO $do$ BEGIN PERFORM set_config('" + test.setting + "', $$" + unquote(test.value) + "$$, false); END $do$",
		} {
			b.do(set)
			for range 2 {
				res := b.compare(test.query)
				if own, err := dump(t.Context(), b.bare, test.query); !test.same && err == nil && own == usual {
					t.Errorf("%s does not change %s: the test shows nothing", set, test.query)
				}
				a.compare(test.query)
				if test.same && res.Source() == querycache.Database && res.Reason() != "" {
					t.Errorf("%s, %s: refused for %q", set, test.query, res.Reason())
				}
			}
			b.do("RESET " + test.setting)
			b.compare(test.query)
		}
		b.do("BEGIN; SET LOCAL " + test.setting + " = " + test.value + "; COMMIT")
		b.compare(test.query)
		a.compare(test.query)
	}
}

func unquote(value string) string {
	if value[0] == '\'' {
		return value[1 : len(value)-1]
	}
	return value
}
