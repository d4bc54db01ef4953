package postgres_test

import (
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

const tenantSchema = `
CREATE SCHEMA other_s;
CREATE TABLE members (tenant int, who text, secret bool DEFAULT false);
INSERT INTO members VALUES (1, 'qc_a'), (2, 'qc_b'), (2, 'postgres');
CREATE TABLE docs (id int, tenant int, owner text, ext uuid, tags int[], at timestamptz DEFAULT '2026-01-01');
INSERT INTO docs SELECT i, i % 3, 'user' || i % 3, ('00000000-0000-0000-0000-00000000000' || i % 3)::uuid, ARRAY[i % 3] FROM generate_series(1, 9) AS i;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE TABLE hidden_members (tenant int);
INSERT INTO hidden_members VALUES (1), (2);
ALTER TABLE hidden_members ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION tenant_text() RETURNS int STABLE LANGUAGE sql AS $$ SELECT current_setting('app.tenant', true)::int $$;
CREATE FUNCTION tenant_lie() RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT current_setting('app.tenant', true)::int $$;
CREATE FUNCTION tenant_atomic() RETURNS int STABLE LANGUAGE sql RETURN current_setting('app.tenant', true)::int;
CREATE FUNCTION tenant_definer() RETURNS int STABLE SECURITY DEFINER LANGUAGE sql RETURN current_setting('app.tenant', true)::int;
CREATE FUNCTION tenant_set() RETURNS int STABLE SET app.tenant = '1' LANGUAGE sql RETURN current_setting('app.tenant', true)::int;
CREATE FUNCTION tenant_nested() RETURNS int STABLE LANGUAGE sql RETURN tenant_atomic();
CREATE FUNCTION eq(a int, b int) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT a = b AND b = current_setting('app.tenant', true)::int $$;
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = eq);
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE TYPE kinds AS ENUM ('1', '2');
CREATE VIEW seen AS SELECT * FROM docs;
CREATE VIEW seen_invoker WITH (security_invoker = true) AS SELECT * FROM docs;
CREATE VIEW seen_members AS SELECT tenant FROM members WHERE NOT secret;
CREATE VIEW me AS SELECT current_setting('app.tenant', true)::int AS tenant;
`

// Each policy is tried with sessions of one user that differ in their settings
// only: whether it is cached or not, each is shown what the bare driver shows.
func TestRowSecurityPolicies(t *testing.T) {
	const keyed, refused = true, false
	m := newMirror(t, "")
	for name, test := range map[string]struct {
		policy string
		keyed  bool
	}{
		"none":                     {"SELECT 1", keyed},
		"constant":                 {"CREATE POLICY p ON docs USING (tenant = 1)", keyed},
		"setting":                  {"CREATE POLICY p ON docs USING (tenant = current_setting('app.tenant', true)::int)", keyed},
		"setting, must be there":   {"CREATE POLICY p ON docs USING (tenant::text = current_setting('app.tenant'))", keyed},
		"setting in capitals":      {"CREATE POLICY p ON docs USING (tenant = current_setting('App.Tenant', true)::int)", keyed},
		"setting of the server":    {"CREATE POLICY p ON docs USING (tenant::text = current_setting('IntervalStyle') OR tenant = current_setting('app.tenant', true)::int)", keyed},
		"two settings":             {"CREATE POLICY p ON docs USING (tenant = current_setting('app.tenant', true)::int OR owner = current_setting('app.owner', true))", keyed},
		"nullif, uuid":             {"CREATE POLICY p ON docs USING (ext = ('00000000-0000-0000-0000-00000000000' || nullif(current_setting('app.tenant', true), ''))::uuid)", keyed},
		"list":                     {"CREATE POLICY p ON docs USING (tenant = ANY (string_to_array(current_setting('app.tenant', true), ',')::int[]))", keyed},
		"document":                 {"CREATE POLICY p ON docs USING (tenant = (('{\"t\":' || current_setting('app.tenant', true) || '}')::jsonb ->> 't')::int)", keyed},
		"user":                     {"CREATE POLICY p ON docs USING (tenant = 1 AND current_user = '{user}' OR tenant = 2 AND session_user <> '{user}')", keyed},
		"membership":               {"CREATE POLICY p ON docs USING (pg_has_role(current_user, '{user}', 'member') AND tenant = 1)", keyed},
		"case":                     {"CREATE POLICY p ON docs USING (CASE WHEN current_setting('app.tenant', true) = '1' THEN id > 3 ELSE coalesce(id, 0) < 3 END)", keyed},
		"two policies":             {"CREATE POLICY p ON docs USING (tenant = 0); CREATE POLICY q ON docs USING (tenant = current_setting('app.tenant', true)::int)", keyed},
		"restrictive":              {"CREATE POLICY p ON docs USING (true); CREATE POLICY q ON docs AS RESTRICTIVE FOR SELECT USING (tenant = current_setting('app.tenant', true)::int)", keyed},
		"to somebody":              {"CREATE POLICY p ON docs TO {user} USING (tenant = current_setting('app.tenant', true)::int); CREATE POLICY q ON docs TO postgres USING (true)", keyed},
		"of writes":                {"CREATE POLICY p ON docs FOR SELECT USING (tenant = 1); CREATE POLICY q ON docs FOR UPDATE USING (random() < 2 AND tenant = tenant_text())", keyed},
		"table":                    {"CREATE POLICY p ON docs USING (tenant IN (SELECT m.tenant FROM members m WHERE m.tenant = current_setting('app.tenant', true)::int))", keyed},
		"table of one's own":       {"CREATE POLICY p ON docs USING (EXISTS (SELECT FROM members m WHERE m.tenant = docs.tenant AND m.tenant::text = current_setting('app.tenant', true)))", keyed},
		"view":                     {"CREATE POLICY p ON docs USING (tenant IN (SELECT m.tenant FROM seen_members m WHERE m.tenant::text = current_setting('app.tenant', true)))", keyed},
		"table under row security": {"CREATE POLICY p ON docs USING (tenant IN (SELECT h.tenant FROM hidden_members h)); CREATE POLICY q ON hidden_members USING (tenant::text = current_setting('app.tenant', true))", keyed},
		"atomic function":          {"CREATE POLICY p ON docs USING (tenant = tenant_atomic())", keyed},
		"function in a function":   {"CREATE POLICY p ON docs USING (tenant = tenant_nested())", keyed},

		"name is not constant":           {"CREATE POLICY p ON docs USING (tenant = current_setting('app.' || 'tenant', true)::int)", refused},
		"name of a column":               {"CREATE POLICY p ON docs USING (tenant = current_setting('app.' || owner, true)::int)", refused},
		"may be missing by a column":     {"CREATE POLICY p ON docs USING (tenant = current_setting('app.tenant', id > 0)::int)", refused},
		"string body":                    {"CREATE POLICY p ON docs USING (tenant = tenant_text())", refused},
		"string body, said immutable":    {"CREATE POLICY p ON docs USING (tenant = tenant_lie())", refused},
		"function of its definer":        {"CREATE POLICY p ON docs USING (tenant = tenant_definer())", refused},
		"function with settings":         {"CREATE POLICY p ON docs USING (tenant = tenant_set())", refused},
		"operator of users":              {"CREATE POLICY p ON docs USING (tenant === current_setting('app.tenant', true)::int)", refused},
		"time":                           {"CREATE POLICY p ON docs USING (at < now() AND tenant = 1)", refused},
		"time by a text":                 {"CREATE POLICY p ON docs USING (at < (current_setting('app.at', true))::timestamptz AND tenant = 1)", refused},
		"current date":                   {"CREATE POLICY p ON docs USING (at < CURRENT_DATE AND tenant = 1)", refused},
		"chance":                         {"CREATE POLICY p ON docs USING (random() < 2 AND tenant = 1)", refused},
		"type of users":                  {"CREATE POLICY p ON docs USING (tenant = current_setting('app.tenant', true)::int::small)", refused},
		"enumeration":                    {"CREATE POLICY p ON docs USING (tenant::text::kinds = current_setting('app.tenant', true)::kinds)", refused},
		"name of a relation":             {"CREATE POLICY p ON docs USING (tenant = 1 AND current_setting('app.tenant', true)::regclass IS NOT NULL)", refused},
		"view that asks the session":     {"CREATE POLICY p ON docs USING (tenant IN (SELECT me.tenant FROM me))", refused},
		"table that is refused itself":   {"CREATE POLICY p ON docs USING (tenant IN (SELECT h.tenant FROM hidden_members h)); CREATE POLICY q ON hidden_members USING (tenant = tenant_text())", refused},
		"catalog":                        {"CREATE POLICY p ON docs USING (EXISTS (SELECT FROM pg_class WHERE reltuples < 0) AND tenant = 1)", refused},
		"address":                        {"CREATE POLICY p ON docs USING (inet_client_addr() IS NOT NULL AND tenant = 1)", refused},
		"one of two":                     {"CREATE POLICY p ON docs USING (tenant = 0); CREATE POLICY q ON docs USING (tenant = tenant_text())", refused},
		"one of another role":            {"CREATE POLICY p ON docs USING (tenant = 0); CREATE POLICY q ON docs TO postgres USING (tenant = tenant_text())", refused},
		"setting that is not to be read": {"CREATE POLICY p ON docs USING (tenant = 1 OR current_setting('data_directory') = '')", refused},
	} {
		t.Run(name, func(t *testing.T) {
			f := *m.fixture
			f.T = t
			m := &mirror{fixture: &f, user: m.user, cached: m.cached, bare: m.bare}
			m.exec(m.db, "DROP POLICY IF EXISTS p ON docs; DROP POLICY IF EXISTS q ON docs; DROP POLICY IF EXISTS q ON hidden_members; "+named(test.policy, m.user))
			for _, query := range []string{
				"SELECT id, tenant FROM docs ORDER BY id",
				"SELECT /* cache: ttl=1m tables=docs */ count(*) FROM docs",
				"SELECT id FROM seen ORDER BY id",
				"WITH d AS (SELECT * FROM seen_invoker) SELECT max(id) FROM d, members",
			} {
				for _, set := range []string{
					"SET app.tenant = '1'", "SET app.tenant = '2'", "SET app.owner = 'user0'", "SELECT set_config('app.tenant', '1', false)",
					"SET IntervalStyle = iso_8601", "RESET app.tenant", "SET app.owner = 'x'",
				} {
					m.do(set)
					var res *querycache.Result
					for range 4 {
						if res = m.compare(query); res.Source() == querycache.Local {
							break
						}
					}
					if hit := res.Source() == querycache.Local; hit && !test.keyed || !hit && test.keyed && m.failed == nil {
						t.Fatalf("after %s: %s: from %v, refused for %q", set, query, res.Source(), res.Reason())
					}
					if why := res.Reason(); !test.keyed && why != dialect.ReasonRowSecurity && why != querycache.ReasonTable && m.failed == nil {
						t.Fatalf("after %s: %s: refused for %q", set, query, res.Reason())
					}
				}
				m.do("RESET ALL")
			}
		})
	}
}
