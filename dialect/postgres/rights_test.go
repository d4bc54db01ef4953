package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/querycache/querycache"
)

// What others do to rights and row security, past the cache, is found out with
// the catalog: answers from before do not live out their lifetimes.
func TestRightsChangedByOthers(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.CatalogInterval, c.DefaultTTL = time.Second, time.Hour })
	user := f.user("", tenantSchema+`
CREATE POLICY p ON docs USING (tenant = current_setting('app.tenant', true)::int);
CREATE TABLE late (id int, tenant int); INSERT INTO late VALUES (1, 1), (2, 2)`)
	asked := 0
	for _, test := range []struct{ query, change, undo string }{
		{"SELECT n FROM other", "REVOKE SELECT ON other FROM {user}", "GRANT SELECT ON other TO {user}"},
		{"SELECT id FROM docs ORDER BY id", "ALTER ROLE {user} BYPASSRLS", "ALTER ROLE {user} NOBYPASSRLS"},
		{"SELECT id FROM late ORDER BY id", "ALTER TABLE late ENABLE ROW LEVEL SECURITY", "ALTER TABLE late DISABLE ROW LEVEL SECURITY"},
		{"SELECT id FROM docs ORDER BY id", "CREATE POLICY q ON docs AS RESTRICTIVE USING (id > 3)", "DROP POLICY q ON docs"},
		{"SELECT id FROM docs ORDER BY id", "GRANT pg_monitor TO {user}; CREATE POLICY q ON docs TO pg_monitor USING (true)", "REVOKE pg_monitor FROM {user}; DROP POLICY q ON docs"},
	} {
		m := f.mirror(as(t, f.dsn, user), user)
		m.do("SET app.tenant = '1'")
		old := f.warm(m.cached, test.query)
		f.exec(f.bare, named(test.change, user))
		want, _ := dump(t.Context(), m.bare, test.query)
		if want == old {
			t.Fatalf("%s changes nothing", test.change)
		}
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			// Something new makes the cache look at the catalog.
			asked++
			f.read(f.db, fmt.Sprintf("SELECT n + %d FROM other", asked))
			if got, _ := dump(t.Context(), m.cached, test.query); got == want {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after %s the old answer is still shown", test.change)
			}
		}
		m.compare(test.query)
		f.exec(f.bare, named(test.undo, user))
	}
}

// The same for what changes nothing of rights that were granted: each on a
// database of its own, so that nothing else makes the cache look.
func TestOwnersAndNamesChangedByOthers(t *testing.T) {
	for name, test := range map[string]struct{ query, change string }{
		"owner of what nobody has rights on": {"SELECT n FROM owned", "ALTER TABLE owned OWNER TO postgres"},
		"view with the rights of its user":   {"SELECT id FROM seen ORDER BY id", "ALTER VIEW seen SET (security_invoker = true)"},
		"schema that the search path names":  {"SELECT n FROM place", "ALTER SCHEMA behind RENAME TO front"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *querycache.Config) { c.CatalogInterval, c.DefaultTTL = time.Second, time.Hour })
			user := f.user("", tenantSchema+`
CREATE SCHEMA behind; CREATE TABLE behind.place AS SELECT 2 AS n; CREATE TABLE place AS SELECT 1 AS n`)
			f.exec(f.bare, named(`GRANT USAGE ON SCHEMA behind TO {user}; GRANT SELECT ON behind.place TO {user};
CREATE TABLE owned (n int); ALTER TABLE owned OWNER TO {user}`, user))
			m := f.mirror(as(t, f.dsn, user), user)
			m.do("SET search_path = front, public")
			old := f.warm(m.cached, test.query)
			f.exec(f.bare, test.change)
			want, _ := dump(t.Context(), m.bare, test.query)
			if want == old {
				t.Fatalf("%s changes nothing", test.change)
			}
			for i, end := 0, time.Now().Add(10*time.Second); ; i++ {
				// Something new makes the cache look at the catalog.
				f.read(f.db, fmt.Sprintf("SELECT n + %d FROM other", i))
				if got, _ := dump(t.Context(), m.cached, test.query); got == want {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("after %s the old answer is still shown", test.change)
				}
				time.Sleep(20 * time.Millisecond)
			}
			m.compare(test.query)
		})
	}
}
