package postgres_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
	"github.com/querycache/querycache/internal/testserver"
)

// ddl changes the schema, rights or users, in order. {user} may log in, {group}
// and {new} are roles of the test.
var ddl = []string{
	"CREATE TABLE made (a int)",
	"CREATE TABLE made_too AS SELECT 1 AS a",
	"ALTER TABLE made ADD COLUMN b int",
	"ALTER TABLE made ALTER a SET DEFAULT 1",
	"ALTER TABLE made ADD CONSTRAINT positive CHECK (a > 0)",
	"ALTER TABLE made DROP COLUMN b",
	"ALTER TABLE made RENAME a TO c",
	"ALTER TABLE made RENAME TO remade",
	"ALTER TABLE remade RENAME TO made",
	"CREATE INDEX made_index ON made (c)",
	"REINDEX TABLE made",
	"CLUSTER made USING made_index",
	"DROP INDEX made_index",
	"CREATE VIEW made_view AS SELECT c FROM made",
	"CREATE OR REPLACE VIEW made_view AS SELECT c FROM made WHERE c > 0",
	"ALTER VIEW made_view RENAME TO made_view_too",
	"DROP VIEW made_view_too",
	"CREATE MATERIALIZED VIEW made_mat AS SELECT c FROM made",
	"DROP MATERIALIZED VIEW made_mat",
	"CREATE SEQUENCE made_seq",
	"ALTER SEQUENCE made_seq INCREMENT 2",
	"DROP SEQUENCE made_seq",
	"CREATE SCHEMA made_schema",
	"ALTER SCHEMA made_schema RENAME TO made_schema_too",
	"DROP SCHEMA made_schema_too",
	"CREATE FUNCTION made_f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
	"CREATE OR REPLACE FUNCTION made_f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 2'",
	"ALTER FUNCTION made_f() VOLATILE",
	"REVOKE EXECUTE ON FUNCTION made_f() FROM public",
	"DROP FUNCTION made_f()",
	"CREATE TRIGGER made_trigger AFTER INSERT ON made FOR EACH ROW EXECUTE FUNCTION audit()",
	"ALTER TABLE made DISABLE TRIGGER made_trigger",
	"DROP TRIGGER made_trigger ON made",
	"CREATE RULE made_rule AS ON DELETE TO made DO INSTEAD NOTHING",
	"DROP RULE made_rule ON made",
	"CREATE TYPE made_type AS ENUM ('a')",
	"ALTER TYPE made_type ADD VALUE 'b'",
	"ALTER TYPE made_type RENAME VALUE 'a' TO 'c'",
	"DROP TYPE made_type",
	"CREATE DOMAIN made_domain AS int",
	"ALTER DOMAIN made_domain SET DEFAULT 1",
	"DROP DOMAIN made_domain",
	"CREATE CAST (authors AS text) WITH INOUT",
	"DROP CAST (authors AS text)",
	"CREATE OPERATOR @@@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)",
	"DROP OPERATOR @@@@ (int, int)",
	"CREATE EXTENSION IF NOT EXISTS plpgsql",
	"CREATE COLLATION made_collation FROM \"C\"",
	"DROP COLLATION made_collation",
	"CREATE STATISTICS made_stats ON id, title FROM books",
	"DROP STATISTICS made_stats",
	"COMMENT ON TABLE other IS 'said'",
	"COMMENT ON COLUMN other.n IS NULL",
	"GRANT SELECT ON other TO {group}",
	"GRANT SELECT (n) ON other TO {group}",
	"REVOKE SELECT ON other FROM {group}",
	"REVOKE SELECT (n) ON other FROM {group}",
	"GRANT USAGE ON SCHEMA public TO {group}",
	"REVOKE USAGE ON SCHEMA public FROM {group}",
	"GRANT ALL ON ALL TABLES IN SCHEMA public TO {group}",
	"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {group}",
	"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM {group}",
	"GRANT {group} TO {user}",
	"REVOKE {group} FROM {user}",
	"CREATE ROLE {new}",
	"ALTER ROLE {new} NOINHERIT",
	"ALTER ROLE {user} SET app.tenant = '5'",
	"ALTER ROLE {user} RESET ALL",
	"ALTER ROLE {user} BYPASSRLS",
	"ALTER ROLE {user} NOBYPASSRLS",
	"ALTER ROLE {new} RENAME TO {new}_too",
	"ALTER ROLE {new}_too RENAME TO {new}",
	"ALTER TABLE other OWNER TO {new}",
	"REASSIGN OWNED BY {new} TO CURRENT_USER",
	"DROP OWNED BY {new}",
	"DROP ROLE {new}",
	"ALTER TABLE other ENABLE ROW LEVEL SECURITY",
	"CREATE POLICY made_policy ON other USING (true)",
	"ALTER POLICY made_policy ON other USING (n >= 0)",
	"ALTER TABLE other FORCE ROW LEVEL SECURITY",
	"ALTER TABLE other NO FORCE ROW LEVEL SECURITY",
	"DROP POLICY made_policy ON other",
	"ALTER TABLE other DISABLE ROW LEVEL SECURITY",
	"ALTER TABLE other SET (fillfactor = 50)",
	"ALTER TABLE parent ADD COLUMN z int",
	"CREATE TABLE events_27 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
	"ALTER TABLE events DETACH PARTITION events_27",
	"DROP TABLE events_27",
	"IMPORT FOREIGN SCHEMA public FROM SERVER nowhere INTO public", // fails: it may have done anything
	"VACUUM FULL other",
	"ALTER DATABASE {database} SET app.tenant = '5'",
	"SECURITY LABEL ON TABLE other IS NULL",
	"DROP TABLE made, made_too",
	"DO $$ BEGIN EXECUTE 'GRANT SELECT ON other TO {group}'; END $$",
	"BEGIN; REVOKE SELECT ON other FROM {group}; COMMIT",
}

// After each of them a read is answered by the database, here and, unless it has
// been here, in another process.
func TestSchemaChanges(t *testing.T) {
	opts, err := redis.ParseURL(testserver.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opts)
	t.Cleanup(func() { client.Close() })
	space := rand.Text()
	change := func(c *querycache.Config) { c.Redis, c.Namespace = client, space }
	f := newFixture(t, change)
	user, group := f.user("", ""), f.user("_group", "")
	cfg := querycache.Config{Dialect: postgres.Dialect(), DefaultTTL: time.Minute}
	change(&cfg)
	second, err := querycache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	dsn := as(t, f.dsn, user)
	here := f.connect(dsn)
	first := f.cache
	f.cache = second
	there := f.connect(dsn)
	f.cache = first
	names := strings.NewReplacer("{user}", user, "{group}", group, "{new}", role(t)+"_new", "{database}", f.dsn[len(f.dsn)-31:])
	for _, text := range ddl {
		text = names.Replace(text)
		f.warm(here, other)
		f.warm(there, other)
		before := time.Now()
		_, err := f.db.ExecContext(t.Context(), text)
		if failed := strings.HasPrefix(text, "IMPORT") || strings.HasPrefix(text, "SECURITY"); (err != nil) != failed {
			t.Errorf("%s: error %v", text, err)
		}
		if _, res := f.read(here, other); res.Source() == querycache.Local || res.Source() == querycache.Remote {
			t.Errorf("after %s: from %v", text, res.Source())
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) { // of a lifetime of 60
			_, res := f.read(there, other)
			if res.Source() != querycache.Local && res.Source() != querycache.Remote {
				break
			}
			if res.Age() < time.Since(before) {
				break // the answer that the first has had from the database since
			}
			if time.Now().After(end) {
				t.Errorf("after %s: in the other process from %v", text, res.Source())
				break
			}
		}
	}
	t.Logf("%d statements", len(ddl))
}
