package pgsql

import (
	"slices"
	"testing"

	"github.com/querycache/querycache/dialect"
)

const atomicSchema = `
CREATE SCHEMA s;
CREATE TABLE t (n int, x text);
CREATE TABLE u (n int);
CREATE UNLOGGED TABLE scratch (n int);
CREATE VIEW v AS SELECT n FROM u;
CREATE TABLE part (id int) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE tenants (n int, who text);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON tenants USING (who = current_setting('app.who', true));
CREATE FUNCTION string_body() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM t';
CREATE FUNCTION counts() RETURNS bigint STABLE LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
CREATE FUNCTION counts_both(i int) RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM t JOIN v USING (n) WHERE n > i);
CREATE FUNCTION nested() RETURNS bigint STABLE LANGUAGE sql RETURN counts() + (SELECT max(id) FROM part_1);
CREATE FUNCTION in_cte() RETURNS bigint STABLE LANGUAGE sql RETURN (WITH w AS (SELECT n FROM u UNION ALL SELECT n FROM t ORDER BY 1) SELECT sum(n) OVER () FROM w LIMIT 1);
CREATE FUNCTION rows_of() RETURNS SETOF int STABLE LANGUAGE sql BEGIN ATOMIC SELECT n FROM u; END;
CREATE FUNCTION of_rows(t) RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM u WHERE u.n = $1.n);
CREATE FUNCTION said_immutable() RETURNS bigint IMMUTABLE LANGUAGE sql RETURN (SELECT count(*) FROM u);
CREATE FUNCTION twice(i int) RETURNS int IMMUTABLE LANGUAGE sql RETURN 2 * i;
CREATE FUNCTION month(d date) RETURNS text STABLE LANGUAGE sql RETURN to_char(d, 'YYYY-MM');
CREATE FUNCTION who() RETURNS text STABLE LANGUAGE sql RETURN current_setting('app.who', true);
CREATE FUNCTION of_tenant() RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM tenants);
CREATE FUNCTION calls_string() RETURNS bigint STABLE LANGUAGE sql RETURN string_body();
CREATE FUNCTION clock() RETURNS timestamptz STABLE LANGUAGE sql RETURN now();
CREATE FUNCTION today() RETURNS date STABLE LANGUAGE sql RETURN CURRENT_DATE;
CREATE FUNCTION chance() RETURNS float8 VOLATILE LANGUAGE sql RETURN random();
CREATE FUNCTION stable_chance() RETURNS float8 STABLE LANGUAGE sql RETURN random();
CREATE FUNCTION writes() RETURNS bigint VOLATILE LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (1); SELECT 1; END;
CREATE FUNCTION definer() RETURNS bigint STABLE SECURITY DEFINER LANGUAGE sql RETURN (SELECT count(*) FROM t);
CREATE FUNCTION with_settings() RETURNS bigint STABLE SET search_path = s LANGUAGE sql RETURN (SELECT count(*) FROM t);
CREATE FUNCTION reads_scratch() RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM scratch);
CREATE FUNCTION reads_catalog() RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM pg_class);
CREATE FUNCTION samples() RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM t TABLESAMPLE SYSTEM (10));
CREATE FUNCTION into_time(x text) RETURNS timestamptz STABLE LANGUAGE sql RETURN x::timestamptz;
CREATE FUNCTION over(int) RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM t);
CREATE FUNCTION over(text) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM u';
CREATE FUNCTION s.counts() RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM u);
CREATE FUNCTION step(s bigint, i int) RETURNS bigint STABLE LANGUAGE sql RETURN s + (SELECT count(*) FROM u);
CREATE AGGREGATE stepped(int) (SFUNC = step, STYPE = bigint, INITCOND = '0');
CREATE FUNCTION near(a int, b int) RETURNS bool STABLE LANGUAGE sql RETURN a = b OR EXISTS (SELECT FROM u);
CREATE OPERATOR <~> (LEFTARG = int, RIGHTARG = int, FUNCTION = near);
CREATE VIEW counted AS SELECT n, counts() AS c FROM u;
`

// Functions in standard SQL say themselves what they read.
func TestAtomicFunctions(t *testing.T) {
	db := open(t, atomicSchema)
	snap := db.load()
	_, session := db.probe()
	if names := snap.(*catalog).Settings(); !slices.Equal(names, []string{"app.who"}) {
		t.Errorf("sessions are to be asked for %q", names)
	}
	asked := db.ask("app.who")
	for _, test := range []struct {
		text   string
		reads  []string
		refuse dialect.Reason
		taints bool
	}{
		{text: "SELECT counts()", reads: []string{"public.t", "public.u"}}, // which of those of the name is meant is not looked at
		{text: "SELECT public.counts()", reads: []string{"public.t"}},
		{text: "SELECT s.counts()", reads: []string{"public.u"}},
		{text: "SELECT counts_both(n) FROM part", reads: []string{"public.part", "public.t", "public.u"}},
		{text: "SELECT nested()", reads: []string{"public.part", "public.t"}},
		{text: "SELECT in_cte()", reads: []string{"public.t", "public.u"}},
		{text: "SELECT * FROM rows_of()", reads: []string{"public.u"}},
		{text: "SELECT of_rows(t) FROM t", reads: []string{"public.t", "public.u"}},
		{text: "SELECT said_immutable()", reads: []string{"public.u"}},
		{text: "SELECT twice(n) FROM t", reads: []string{"public.t"}},
		{text: "SELECT month(x::date) FROM t", reads: []string{"public.t"}},
		{text: "SELECT who(), n FROM t", reads: []string{"public.t"}},
		{text: "SELECT of_tenant()", reads: []string{"public.tenants"}},
		{text: "SELECT * FROM counted", reads: []string{"public.t", "public.u"}},
		{text: "SELECT string_body(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT calls_string(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT clock(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT today(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT chance(), n FROM t", refuse: dialect.ReasonVolatile, taints: true},
		{text: "SELECT stable_chance(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT writes()", refuse: dialect.ReasonVolatile, taints: true},
		{text: "SELECT definer(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT with_settings(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT reads_scratch(), n FROM t", refuse: dialect.ReasonUnlogged},
		{text: "SELECT reads_catalog(), n FROM t", refuse: dialect.ReasonSystemTable},
		{text: "SELECT samples(), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT into_time(x), n FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT over(n) FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT stepped(n) FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT n <~> 1 FROM t", refuse: dialect.ReasonUnknownFunc, taints: true},
		{text: "SELECT a.of_rows FROM t a", refuse: dialect.ReasonUnknownFunc, taints: true},
	} {
		res := snap.Resolve(Dialect{}.Parse(test.text), asked)
		if res.Refuse != test.refuse || res.Refuse == "" && !slices.Equal(res.Reads, test.reads) || res.Unasked || res.Taints != test.taints {
			t.Errorf("%s: reads %q, refused %q, unasked %v, taints %v, want %q, %q", test.text, res.Reads, res.Refuse, res.Unasked, res.Taints, test.reads, test.refuse)
		}
	}
	for _, text := range []string{"SELECT who(), n FROM t", "SELECT of_tenant()"} {
		if res := snap.Resolve(Dialect{}.Parse(text), session); res.Refuse != dialect.ReasonRowSecurity || !res.Unasked {
			t.Errorf("%s: a session that was not asked: refused %q, unasked %v", text, res.Refuse, res.Unasked)
		}
	}
}

// A setting that may not be read by everybody is not found out, and the rest of
// the session is.
func TestSettingsThatAreNotTold(t *testing.T) {
	db := open(t, atomicSchema)
	snap := db.load()
	usual := parseKey(db.ask("app.who").Key)
	if v, ok := usual.Asked["app.who"]; !ok || v != nil {
		t.Errorf("asked for a setting that is not there: %v", usual.Asked)
	}
	db.exec("SET app.who = ''")
	if v := parseKey(db.ask("app.who").Key).Asked["app.who"]; v == nil || *v != "" {
		t.Error("an empty setting is taken for one that is not there")
	}
	db.exec("CREATE ROLE qc_testsettingsthatarenottold; SET ROLE qc_testsettingsthatarenottold")
	defer db.exec("RESET ROLE; DROP ROLE qc_testsettingsthatarenottold")
	session := db.ask("data_directory")
	if key := parseKey(session.Key); !key.Deaf || key.Role == "" {
		t.Errorf("key %+v", key)
	}
	if res := snap.Resolve(Dialect{}.Parse("SELECT who(), n FROM t"), session); res.Refuse != dialect.ReasonRowSecurity || res.Unasked {
		t.Errorf("refused %q, unasked %v", res.Refuse, res.Unasked)
	}
}
