package postgres_test

import (
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

// A hint vouches for what analysis does not know. It does not make rows of one
// tenant those of another, wherever in the statement its table stands.
func TestVouchingLiftsNoRowSecurity(t *testing.T) {
	f := newFixture(t, nil)
	user := role(t)
	f.exec(f.bare, "CREATE ROLE "+user+" LOGIN")
	t.Cleanup(func() {
		f.bare.Exec("DROP OWNED BY " + user + "; DROP ROLE " + user) //nolint:noctx // the test's context is done
	})
	f.exec(f.bare, `
CREATE TABLE hidden (tenant text, n int);
INSERT INTO hidden VALUES ('a', 1), ('b', 2);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION tenant() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.tenant', true) $$;
CREATE POLICY tenants ON hidden USING (tenant = tenant());
CREATE FUNCTION spy() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT string_agg(n::text, ',') FROM hidden); END $$;
CREATE VIEW window_of AS SELECT n, spy() AS seen FROM hidden;
GRANT SELECT ON hidden, other, window_of TO `+user)
	dsn := as(t, f.dsn, user)
	db, bare := f.connect(dsn), f.open("pgx", dsn)
	for _, query := range []string{
		"SELECT /* cache: ttl=1m tables=hidden */ n, spy() FROM hidden",
		"SELECT /* cache: ttl=1m tables=other */ n, spy() FROM hidden",
		"SELECT /* cache: ttl=1m tables=hidden */ spy()",
		"SELECT /* cache: ttl=1m tables=other,hidden */ n, spy() FROM other",
		"SELECT /* cache: ttl=1m tables=other */ n, spy(), current_setting('app.tenant') FROM other",
		"SELECT /* cache: ttl=1m tables=hidden */ * FROM hidden",
		"SELECT /* cache: ttl=1m tables=hidden */ * FROM window_of",
	} {
		conn, plain := f.conn(db), f.conn(bare)
		for _, tenant := range []string{"a", "b", "a"} {
			for _, c := range []execer{conn, plain} {
				f.exec(c, "SET app.tenant = '"+tenant+"'")
			}
			want, _ := f.read(plain, query)
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				got, res := f.read(conn, query)
				if got != want {
					t.Fatalf("%s: tenant %s is shown %s, from %v; the bare driver shows %s", query, tenant, got, res.Source(), want)
				}
				if res.Reason() == dialect.ReasonRowSecurity || res.Reason() == dialect.ReasonSessionFunc {
					break
				}
				// Until the catalog is there, what calls a function may write.
				if res.Source() != querycache.Unknown && res.Reason() != querycache.ReasonCatalog || time.Now().After(end) {
					t.Fatalf("%s: refused for %q, from %v", query, res.Reason(), res.Source())
				}
			}
		}
	}
}
