package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

// A server that reads its configuration again changes what sessions that are open
// already mean and may see.
func TestConfigurationReloaded(t *testing.T) {
	server := testserver.NewPostgres(t, "app.tenant = '1'", "search_path = 'one, public'", "default_text_search_config = 'simple'")
	f := fixtureOn(t, server.DSN(), `CREATE TABLE public.other AS SELECT 0 AS n; GRANT SELECT ON other TO PUBLIC;
CREATE SCHEMA one; CREATE TABLE one.place AS SELECT 1 AS n;
CREATE SCHEMA two; CREATE TABLE two.place AS SELECT 2 AS n;
CREATE TABLE public.docs (id int, tenant int); INSERT INTO docs SELECT i, i % 2 FROM generate_series(1, 6) i;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON docs USING (tenant = current_setting('app.tenant', true)::int);
CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA one, two TO reader;
GRANT SELECT ON one.place, two.place, docs TO reader`, func(c *querycache.Config) { c.CatalogInterval, c.DefaultTTL = time.Second, time.Hour })
	m := f.mirror(as(t, f.dsn, "reader"), "reader")
	for i, test := range []struct{ query, line string }{
		{"SELECT n FROM place", "search_path = 'two, public'"},
		{"SELECT id FROM docs ORDER BY id", "app.tenant = '0'"},
		{"SELECT count(*) FROM docs WHERE to_tsvector('the') = ''", "default_text_search_config = 'english'"},
	} {
		old := f.warm(m.cached, test.query)
		server.Config(test.line)
		want := ""
		for n, end := 0, time.Now().Add(20*time.Second); ; n++ {
			// Something new makes the cache look at the catalog.
			f.read(m.cached, fmt.Sprintf("SELECT n + %d FROM other", i*1_000_000+n))
			want, _ = dump(t.Context(), m.bare, test.query)
			if got, _ := dump(t.Context(), m.cached, test.query); got == want && want != old {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after %s the old answer is still shown", test.line)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if want == old {
			t.Fatalf("%s changes nothing", test.line)
		}
		m.compare(test.query)
	}
}

// Where the configuration says that sessions are those of a replica, rules do not
// apply: what is written through a view is written.
func TestReplicaByConfiguration(t *testing.T) {
	server := testserver.NewPostgres(t, "session_replication_role = 'replica'")
	f := fixtureOn(t, server.DSN(), `CREATE TABLE base (n int); CREATE VIEW ruled AS SELECT n FROM base; CREATE RULE r AS ON INSERT TO ruled DO INSTEAD NOTHING`, func(*querycache.Config) {})
	const query = "SELECT count(*) FROM base"
	f.warm(f.db, query)
	f.exec(f.db, "INSERT INTO ruled VALUES (1)")
	got, _ := f.read(f.db, query)
	if want, _ := f.read(f.bare, query); got != want {
		t.Errorf("after an INSERT: %s, want %s", got, want)
	}
}
