package postgres_test

import (
	"strings"
	"testing"

	"github.com/querycache/querycache"
)

// A depends is a read and what its answer depends on without saying so.
type depends struct {
	name, setup, query string
	// steps are done one after the other: by the session that reads, or, after
	// "db: ", by another through the same cache.
	steps []string
	// cached: answers do come from memory.
	cached bool
}

const cached = true

// In each case there are two sessions of one user: one that the steps change, and
// one that nothing happens to. Both are shown what the bare driver shows.
func TestWhatReadsDependOn(t *testing.T) {
	m := newMirror(t, "")
	for _, test := range dependencies {
		t.Run(test.name, func(t *testing.T) {
			f := *m.fixture
			f.T = t
			dsn := as(t, f.dsn, m.user)
			changed, still := f.mirror(dsn, m.user), f.mirror(dsn, m.user)
			f.exec(m.db, named(test.setup, m.user))
			f.exec(m.db, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+m.user)
			hits := 0
			look := func() {
				for range 3 {
					for _, m := range []*mirror{changed, still} {
						if m.compare(test.query).Source() == querycache.Local {
							hits++
						}
					}
				}
			}
			look()
			for _, step := range test.steps {
				if write, ok := strings.CutPrefix(step, "db: "); ok {
					f.exec(m.db, named(write, m.user))
				} else {
					changed.do(step)
				}
				if look(); t.Failed() {
					t.Fatalf("after %s", step)
				}
			}
			if (hits > 0) != test.cached {
				t.Errorf("%d answers from memory", hits)
			}
		})
	}
}

// What is in force for a session, and what is not, by a setting.
var (
	kinds   = []string{"SET app.kind = '1'", "SET app.kind = '2'"}
	tenants = func(write string) []string { return []string{"SET app.tenant = '1'", write} }
)

// byTenant is a policy of docs that asks a setting, for cases in which something
// is to change it.
const byTenant = `DROP POLICY IF EXISTS mine ON docs; CREATE POLICY mine ON docs USING (tenant = nullif(current_setting('app.tenant', true), '')::int);`

var dependencies = []depends{
	// Arguments that are left out are not in the text, nor in trees.
	{"default argument, setting", `CREATE FUNCTION who(t text DEFAULT current_setting('app.kind', true)) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t'`,
		"SELECT who(), n FROM other", kinds, cached},
	{"default argument, table", `CREATE TABLE bound (n int); INSERT INTO bound VALUES (1); CREATE FUNCTION bound() RETURNS int STABLE LANGUAGE sql RETURN (SELECT n FROM bound);
 CREATE FUNCTION above(i int, l int DEFAULT bound()) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT i + l'`,
		"SELECT above(n) FROM other", []string{"db: UPDATE bound SET n = 2"}, cached},
	{"default argument, string body", `CREATE TABLE limits (n int); INSERT INTO limits VALUES (1); CREATE FUNCTION lim() RETURNS int STABLE LANGUAGE sql AS 'SELECT n FROM limits';
 CREATE FUNCTION under(i int, l int DEFAULT lim()) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT i + l'`,
		"SELECT under(n) FROM other", []string{"db: UPDATE limits SET n = 2"}, !cached},
	{"default argument, field", `CREATE FUNCTION tagged(o other, t text DEFAULT current_setting('app.kind', true)) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t'`,
		"SELECT o.tagged FROM other o", kinds, !cached},
	{"default argument, view", `CREATE FUNCTION whose(t text DEFAULT current_setting('app.kind', true)) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t'; CREATE VIEW whose_view AS SELECT whose(), n FROM other`,
		"SELECT * FROM whose_view", kinds, cached},
	{"default argument, policy", `CREATE FUNCTION kind_of(t text DEFAULT current_setting('app.kind', true)) RETURNS text STABLE LANGUAGE sql RETURN t;
 CREATE TABLE kinds_of (k text); INSERT INTO kinds_of VALUES ('1'), ('2'); ALTER TABLE kinds_of ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON kinds_of USING (k = kind_of())`,
		"SELECT k FROM kinds_of", kinds, cached},
	{"default argument, of another", `CREATE FUNCTION inner_of(t text DEFAULT current_setting('app.kind', true)) RETURNS text STABLE LANGUAGE sql RETURN t;
 CREATE FUNCTION outer_of(t text DEFAULT inner_of()) RETURNS text STABLE LANGUAGE sql RETURN t; CREATE FUNCTION calls_it() RETURNS text STABLE LANGUAGE sql RETURN outer_of()`,
		"SELECT calls_it(), n FROM other", kinds, cached},
	{"default argument, time", `CREATE FUNCTION as_of(a timestamptz DEFAULT now()) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT a > ''2020-01-01'''`,
		"SELECT as_of(), n FROM other", nil, !cached},
	{"default argument, changes the session", byTenant + `CREATE FUNCTION moves(t text DEFAULT set_config('app.tenant', '2', false)) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t'`,
		"SELECT id FROM docs", tenants("SELECT moves() FROM other"), cached},
	{"writes by way of a stable function", `CREATE FUNCTION bumps() RETURNS int STABLE LANGUAGE sql RETURN bump()`,
		"SELECT n FROM other", []string{"db: SELECT bumps()"}, cached},

	{"current_schema, policy", `CREATE TABLE by_schema (n int, s text); INSERT INTO by_schema VALUES (1, 'public'), (2, 'pg_catalog'); ALTER TABLE by_schema ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON by_schema USING (s = current_schema)`,
		"SELECT n FROM by_schema", []string{"SET search_path = public", "SET search_path = pg_catalog, public"}, cached},
	{"sequence in front", `CREATE SCHEMA sq; GRANT USAGE ON SCHEMA sq TO {user}; CREATE SEQUENCE sq.twofold; GRANT ALL ON sq.twofold TO {user}; CREATE TABLE twofold (last_value int)`,
		"SELECT last_value FROM twofold", []string{"SET search_path = sq, public", "db: SELECT nextval('sq.twofold')", "db: SELECT nextval('sq.twofold')"}, cached},
	{"function in pg_catalog", `CREATE FUNCTION pg_catalog.lower(other) RETURNS text STABLE LANGUAGE sql AS $$ SELECT current_setting('app.kind', true) $$`,
		"SELECT lower(o) FROM other o", kinds, !cached},
	{"said immutable, asks a setting", `CREATE FUNCTION claims() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN Current_Setting('app.kind', true); END $$; CREATE VIEW claimed AS SELECT n FROM other WHERE claims() = '1'`,
		"SELECT n FROM claimed", kinds, !cached},
	{"said immutable, by an operator", `CREATE FUNCTION is_kind(a int, b int) RETURNS bool IMMUTABLE LANGUAGE sql AS $$ SELECT b::text = current_setting('app.kind', true) $$; CREATE OPERATOR =?= (LEFTARG = int, RIGHTARG = int, FUNCTION = is_kind)`,
		"SELECT n FROM other WHERE 1 =?= 1", kinds, !cached},
	{"said immutable, by a function", `CREATE FUNCTION claims_too() RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT current_setting('app.kind', true) $$; CREATE FUNCTION calls_claims() RETURNS text STABLE LANGUAGE sql RETURN claims_too()`,
		"SELECT calls_claims(), n FROM other", kinds, !cached},
	{"said immutable, name not constant", `CREATE FUNCTION claims_any(i text) RETURNS text IMMUTABLE LANGUAGE sql RETURN current_setting('app.' || i, true)`,
		"SELECT claims_any('kind'), n FROM other", kinds, !cached},
	{"function in pg_catalog, gone", `DROP FUNCTION IF EXISTS pg_catalog.lower(other)`, "SELECT lower('A' || n) FROM other", nil, cached},

	// The time, and locks.
	{"record in a view", `CREATE VIEW records AS SELECT x.at > '2020-01-01' FROM other, json_to_record('{"at":"now"}') AS x(at timestamptz)`, "SELECT * FROM records", nil, !cached},
	{"record without a time in a view", `CREATE VIEW records_too AS SELECT x.at FROM other, json_to_record('{"at":"2020-01-01"}') AS x(at timestamptz)`, "SELECT * FROM records_too", nil, cached},
	{"document in a view", `CREATE TYPE moment AS (at timestamptz); CREATE VIEW documents AS SELECT (jsonb_populate_record(null::moment, '{"at":"NOW"}')).at > '2020-01-01' FROM other`, "SELECT * FROM documents", nil, !cached},
	{"XML in a view", `CREATE VIEW xmls AS SELECT x.at >= '2020-01-01' FROM other, XMLTABLE('/r' PASSING xml '<r><at>today</at></r>' COLUMNS at timestamptz) x`, "SELECT * FROM xmls", nil, !cached},
	{"lock of a foreign key", `CREATE TABLE locked (id int PRIMARY KEY); CREATE TABLE locks (id int REFERENCES locked); INSERT INTO locked VALUES (1)`,
		"SELECT xmax FROM locked", []string{"db: INSERT INTO locks VALUES (1)", "db: SELECT * FROM locked FOR UPDATE"}, !cached},
	{"lock, in a view", `CREATE TABLE locked_too (id int); INSERT INTO locked_too VALUES (1); CREATE VIEW locked_view AS SELECT xmax AS held FROM locked_too`,
		"SELECT held FROM locked_view", []string{"db: SELECT * FROM locked_too FOR UPDATE"}, !cached},
	{"lock, in a function", `CREATE TABLE locked_by (id int); INSERT INTO locked_by VALUES (1); CREATE FUNCTION held() RETURNS xid STABLE LANGUAGE sql RETURN (SELECT xmax FROM locked_by)`,
		"SELECT held(), n FROM other", []string{"db: SELECT * FROM locked_by FOR UPDATE"}, !cached},

	// What changes the session is built in, and named by nobody.
	{"set by a policy", byTenant + `CREATE TABLE p_set (n int); INSERT INTO p_set VALUES (1); ALTER TABLE p_set ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON p_set USING (set_config('app.tenant', '2', false) IS NOT NULL);
 CREATE TABLE p_sets (n int); INSERT INTO p_sets VALUES (1); ALTER TABLE p_sets ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON p_sets USING (EXISTS (SELECT FROM p_set))`,
		"SELECT id FROM docs", append(tenants("SELECT n FROM p_set"), tenants("SELECT n FROM p_sets")...), cached},
	{"set by a policy for writes", byTenant + `CREATE TABLE w_set (n int); ALTER TABLE w_set ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON w_set FOR INSERT WITH CHECK (set_config('app.tenant', '2', false) IS NOT NULL); GRANT ALL ON w_set TO {user}`,
		"SELECT id FROM docs", tenants("INSERT INTO w_set VALUES (1)"), cached},
	{"set by a default", byTenant + `CREATE TABLE d_set (n int, t text DEFAULT set_config('app.tenant', '2', false)); GRANT ALL ON d_set TO {user}`,
		"SELECT id FROM docs", tenants("INSERT INTO d_set VALUES (1)"), cached},
	{"set by a check", byTenant + `CREATE TABLE c_set (n int, CHECK (set_config('app.tenant', '2', false) IS NOT NULL)); GRANT ALL ON c_set TO {user}`,
		"SELECT id FROM docs", tenants("INSERT INTO c_set VALUES (1)"), cached},
	{"set by a domain", byTenant + `CREATE DOMAIN dom_set AS int CHECK (set_config('app.tenant', '2', false) IS NOT NULL)`,
		"SELECT id FROM docs", append(tenants("SELECT n::dom_set FROM other"), tenants("SELECT 1::dom_set")...), cached},
	{"set by a rule", byTenant + `CREATE TABLE r_set (n int); CREATE RULE r AS ON INSERT TO r_set DO ALSO SELECT set_config('app.tenant', '2', false); GRANT ALL ON r_set TO {user}`,
		"SELECT id FROM docs", tenants("INSERT INTO r_set VALUES (1)"), cached},
	{"set by a view of the server", ``, "SELECT (1.0::float8 / 3 + n)::text FROM other", []string{"UPDATE pg_settings SET setting = '-5' WHERE name = 'extra_float_digits'"}, cached},
	{"domain that asks a setting", `CREATE DOMAIN below AS int CHECK (VALUE < coalesce(current_setting('app.max', true), '100')::int)`,
		"SELECT 50::below, n FROM other", []string{"SET app.max = '100'", "SET app.max = '10'"}, !cached},
	{"order of a type that asks a setting", orders, "SELECT (p).a FROM pairs ORDER BY p", kinds, !cached},
	{"cast to a document that asks a setting", `CREATE TYPE told AS (a int); CREATE FUNCTION tell(told) RETURNS json STABLE LANGUAGE sql AS $$ SELECT to_json(current_setting('app.kind', true)) $$;
 CREATE CAST (told AS json) WITH FUNCTION tell(told); CREATE TABLE tells (t told); INSERT INTO tells VALUES (ROW(1))`,
		"SELECT jsonb_build_object('t', t)::text FROM tells", kinds, !cached},
	{"neither type any more", "DROP TYPE IF EXISTS told, two CASCADE", "SELECT n FROM other", nil, cached},

	// These were right before.
	{"policy over partitions", `CREATE TABLE under_acl (t int); INSERT INTO under_acl VALUES (1), (2); ALTER TABLE under_acl ENABLE ROW LEVEL SECURITY;
 CREATE TABLE acl (t int) PARTITION BY LIST (t); CREATE TABLE acl_1 PARTITION OF acl DEFAULT; INSERT INTO acl VALUES (1); CREATE POLICY p ON under_acl USING (t IN (SELECT t FROM acl))`,
		"SELECT t FROM under_acl", []string{"db: UPDATE acl_1 SET t = 2", "db: TRUNCATE acl", "db: INSERT INTO acl VALUES (1)", "db: ALTER TABLE acl DETACH PARTITION acl_1"}, cached},
	{"policy for a group, owner", `CREATE TABLE grouped (t int); INSERT INTO grouped VALUES (1), (2); ALTER TABLE grouped ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON grouped TO pg_monitor USING (true); CREATE POLICY q ON grouped USING (t = 1)`,
		"SELECT t FROM grouped", []string{"db: GRANT pg_monitor TO {user}", "db: REVOKE pg_monitor FROM {user}", "db: ALTER TABLE grouped OWNER TO {user}", "db: ALTER TABLE grouped FORCE ROW LEVEL SECURITY",
			"SET row_security = off", "db: ALTER TABLE grouped NO FORCE ROW LEVEL SECURITY"}, cached},
	{"schema put in front", `CREATE TABLE fronted (n int); INSERT INTO fronted VALUES (1)`, "SELECT n FROM fronted", []string{`SET search_path = "$user", front, public`,
		"db: CREATE SCHEMA front; GRANT USAGE ON SCHEMA front TO {user}", "db: CREATE TABLE front.fronted AS SELECT 2 AS n; GRANT SELECT ON front.fronted TO {user}",
		"db: ALTER SCHEMA front RENAME TO back", "db: ALTER SCHEMA back RENAME TO front", "db: DROP SCHEMA front CASCADE"}, cached},
	{"temporary sequence in front", "CREATE TABLE tseq (last_value int); INSERT INTO tseq VALUES (77)", "SELECT last_value FROM tseq", []string{"CREATE TEMP SEQUENCE tseq", "SELECT nextval('tseq')", "DISCARD ALL"}, cached},
}

// orders makes a type that is sorted by functions that nobody names.
const orders = `CREATE TYPE two AS (a int, b text);
CREATE FUNCTION cmp(two, two) RETURNS int STABLE LANGUAGE sql AS $$ SELECT CASE current_setting('app.kind', true) WHEN '1' THEN $1.a - $2.a ELSE $2.a - $1.a END $$;
CREATE FUNCTION lt(two, two) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT cmp($1, $2) < 0 $$; CREATE FUNCTION gt(two, two) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT cmp($1, $2) > 0 $$;
CREATE FUNCTION le(two, two) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT cmp($1, $2) <= 0 $$; CREATE FUNCTION ge(two, two) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT cmp($1, $2) >= 0 $$;
CREATE FUNCTION eq(two, two) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT cmp($1, $2) = 0 $$;
CREATE OPERATOR <<< (LEFTARG = two, RIGHTARG = two, FUNCTION = lt); CREATE OPERATOR <<<= (LEFTARG = two, RIGHTARG = two, FUNCTION = le); CREATE OPERATOR ==== (LEFTARG = two, RIGHTARG = two, FUNCTION = eq);
CREATE OPERATOR >>>= (LEFTARG = two, RIGHTARG = two, FUNCTION = ge); CREATE OPERATOR >>> (LEFTARG = two, RIGHTARG = two, FUNCTION = gt);
CREATE OPERATOR CLASS two_ops DEFAULT FOR TYPE two USING btree AS OPERATOR 1 <<<, OPERATOR 2 <<<=, OPERATOR 3 ====, OPERATOR 4 >>>=, OPERATOR 5 >>>, FUNCTION 1 cmp(two, two);
CREATE TABLE pairs (p two); INSERT INTO pairs VALUES ((1, 'a')), ((2, 'b'))`
