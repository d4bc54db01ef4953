package postgres_test

import (
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
	"github.com/querycache/querycache/internal/testserver"
)

const leakSchema = `
CREATE SCHEMA one; CREATE SCHEMA two;
CREATE TABLE one.items (n int); CREATE TABLE two.items (n int);
INSERT INTO one.items VALUES (1); INSERT INTO two.items VALUES (2);
CREATE TABLE docs (id int, tenant text, owner text);
INSERT INTO docs SELECT i, (ARRAY['x','y','z'])[i % 3 + 1], (ARRAY['{a}', '{b}'])[i % 2 + 1] FROM generate_series(1, 12) AS i;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenants ON docs USING (tenant = current_setting('app.tenant', true));
CREATE POLICY owners ON docs USING (owner = current_user AND current_setting('app.mine', true) = 'on');
CREATE TABLE forced (id int, tenant text);
INSERT INTO forced VALUES (1, 'x'), (2, 'y');
ALTER TABLE forced ENABLE ROW LEVEL SECURITY; ALTER TABLE forced FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON forced USING (EXISTS (SELECT FROM docs d WHERE d.tenant = forced.tenant));
CREATE TABLE opaque (id int, tenant text);
INSERT INTO opaque VALUES (1, 'x'), (2, 'y');
ALTER TABLE opaque ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION tenant() RETURNS text STABLE LANGUAGE sql AS $$ SELECT current_setting('app.tenant', true) $$;
CREATE POLICY tenants ON opaque USING (tenant = tenant());
CREATE FUNCTION mine() RETURNS bigint STABLE LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM docs; END;
CREATE VIEW all_docs AS SELECT * FROM docs;
CREATE VIEW my_docs WITH (security_invoker = true) AS SELECT * FROM docs;
CREATE VIEW b_docs AS SELECT * FROM docs; 
CREATE TABLE plain (n int, secret int);
INSERT INTO plain VALUES (0, 0);
GRANT USAGE ON SCHEMA one, two TO {a}, {b};
GRANT ALL ON ALL TABLES IN SCHEMA one, two, public TO {a}, {b};
ALTER TABLE opaque OWNER TO {a};
ALTER VIEW b_docs OWNER TO {b};
`

var leakReads = []string{
	"SELECT id FROM docs ORDER BY id",
	"SELECT id, owner FROM docs WHERE tenant <> 'z' ORDER BY id",
	"SELECT id FROM forced ORDER BY id",
	"SELECT id FROM opaque ORDER BY id",
	"SELECT /* cache: ttl=1m tables=opaque */ id FROM opaque ORDER BY id",
	"SELECT id FROM all_docs ORDER BY id",
	"SELECT id FROM my_docs ORDER BY id",
	"SELECT id FROM b_docs ORDER BY id",
	"SELECT p.n, d.id FROM plain p, docs d ORDER BY 1, 2",
	"SELECT n, mine() FROM plain",
	"SELECT n FROM items ORDER BY n",
	"SELECT n, '2026-01-01'::timestamptz::text FROM one.items",
	"SELECT n FROM plain",
	"SELECT secret FROM plain",
}

// leakStates change the session they run in, leakWrites what everybody sees.
var (
	leakStates = []string{
		"SET app.tenant = 'x'", "SET app.tenant = 'y'", "SET app.tenant = 'z'", "RESET app.tenant",
		"SELECT set_config('app.tenant', 'x', false)", "SELECT set_config('app.tenant', 'y', false)", "SELECT set_config('app.tenant', 'y', true)",
		"SET app.mine = 'on'", "SET app.mine = 'off'", "SET SESSION AUTHORIZATION {b}", "RESET SESSION AUTHORIZATION",
		"SET ROLE {a}", "SET ROLE {b}", "SET ROLE postgres", "RESET ROLE", "SET ROLE NONE",
		"SET search_path TO one, public", "SET search_path TO two, public", "SET search_path TO public", "RESET search_path",
		"CREATE TEMP TABLE items AS SELECT 77 AS n", "DROP TABLE pg_temp.items",
		"CREATE TEMP TABLE plain AS SELECT 88 AS n, 99 AS secret", "DROP TABLE pg_temp.plain",
		"SET row_security = off", "SET row_security = on", "SET TimeZone = 'Asia/Tokyo'", "RESET TimeZone",
		"RESET ALL", "DISCARD ALL", "BEGIN; SET LOCAL app.tenant = 'x'; COMMIT", "BEGIN; SET app.tenant = 'z'; ROLLBACK",
		"DO $$ BEGIN PERFORM set_config('app.tenant', 'z', false); END $$",
	}
	leakWrites = []string{
		"UPDATE plain SET n = n + 1, secret = secret + 1", "UPDATE one.items SET n = n + 10", "UPDATE two.items SET n = n + 10",
		"UPDATE docs SET tenant = 'y' WHERE id % 4 = 0", "UPDATE docs SET tenant = 'x' WHERE id % 4 = 0", "UPDATE docs SET owner = '{a}' WHERE id = 3",
		"REVOKE SELECT ON plain FROM {a}", "GRANT SELECT ON plain TO {a}",
		"REVOKE SELECT ON docs FROM {b}", "GRANT SELECT ON docs TO {b}",
		"REVOKE SELECT ON plain FROM {b}; GRANT SELECT (n) ON plain TO {b}", "GRANT SELECT ON plain TO {b}",
		"ALTER TABLE docs DISABLE ROW LEVEL SECURITY", "ALTER TABLE docs ENABLE ROW LEVEL SECURITY", "ALTER TABLE docs FORCE ROW LEVEL SECURITY",
		"ALTER POLICY owners ON docs USING (owner = session_user)", "ALTER POLICY owners ON docs USING (owner = current_user AND current_setting('app.other', true) = 'on')",
		"GRANT {a} TO {b}", "REVOKE {a} FROM {b}", "ALTER ROLE {a} BYPASSRLS", "ALTER ROLE {a} NOBYPASSRLS",
		"ALTER TABLE docs OWNER TO {a}", "ALTER TABLE docs OWNER TO postgres",
	}
)

// TestNoRowCrosses runs sessions of two roles and two databases, changes them,
// their rights and the rows, and reads: each has to see what a bare connection
// in the same state is shown, errors included.
func TestNoRowCrosses(t *testing.T) {
	for _, tier := range []string{"local", "redis"} {
		t.Run(tier, func(t *testing.T) {
			l := newLeak(t, tier == "redis")
			const seed = 11
			rng := rand.New(rand.NewPCG(seed, 0))
			const steps = 2000
			t.Logf("seed %d, %d steps", seed, steps)
			for range steps {
				l.step(rng)
				if t.Failed() {
					t.Fatal(strings.Join(l.history[max(0, len(l.history)-60):], "\n"))
				}
			}
			t.Logf("answers from %v", l.sources)
			if l.keyed < 10 || l.sources[querycache.Local] < 50 || tier == "redis" && l.sources[querycache.Remote] < 3 {
				t.Errorf("too few answers came from the cache for the test to show much: %v, of them %d under row security", l.sources, l.keyed)
			}
		})
	}
}

type leak struct {
	*fixture
	names    *strings.Replacer
	sessions []*mirror
	// admins are connections of a superuser through one cache, by database.
	admins []*mirror
	// others are such connections through the other cache.
	others  []*mirror
	home    map[*mirror]int
	temp    map[*mirror]bool // temporary tables were made
	history []string
	sources map[querycache.Source]int
	keyed   int
}

func newLeak(t *testing.T, shared bool) *leak {
	change := func(*querycache.Config) {}
	if shared {
		opts, err := redis.ParseURL(testserver.Redis(t))
		if err != nil {
			t.Fatal(err)
		}
		client := redis.NewClient(opts)
		t.Cleanup(func() { client.Close() })
		space := crand.Text()
		change = func(c *querycache.Config) { c.Redis, c.Namespace = client, space }
	}
	f, g := newFixture(t, change), newFixture(t, nil)
	a, b := f.user("_a", ""), f.user("_b", "")
	l := &leak{fixture: f, names: strings.NewReplacer("{a}", a, "{b}", b), home: make(map[*mirror]int), temp: make(map[*mirror]bool), sources: make(map[querycache.Source]int)}
	caches := []*querycache.Cache{f.cache}
	if shared {
		cfg := querycache.Config{Dialect: postgres.Dialect(), DefaultTTL: time.Minute}
		change(&cfg)
		second, err := querycache.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { second.Close() })
		caches = append(caches, second)
	}
	for i, dsn := range []string{f.dsn, g.dsn} {
		bare := f.open("pgx", dsn)
		f.exec(bare, l.names.Replace(leakSchema))
		f.exec(bare, fmt.Sprintf("UPDATE one.items SET n = n + %d; UPDATE plain SET n = %d; UPDATE docs SET id = id + %d", 100*i, 100*i, 100*i))
		t.Cleanup(func() { bare.Exec(l.names.Replace("DROP OWNED BY {a}, {b} CASCADE")) }) //nolint:noctx // the test's context is done
		for _, cache := range caches {
			for _, dsn := range []string{as(t, dsn, a), as(t, dsn, b), dsn} {
				for range 2 {
					f.cache = cache
					m := f.mirror(dsn, "")
					l.home[m] = i
					l.sessions = append(l.sessions, m)
				}
			}
		}
		for _, cache := range caches[1:] {
			f.cache = cache
			l.others = append(l.others, f.mirror(dsn, ""))
		}
		f.cache = caches[0]
		l.admins = append(l.admins, f.mirror(dsn, ""))
	}
	return l
}

func (l *leak) step(rng *rand.Rand) {
	m := l.sessions[rng.IntN(len(l.sessions))]
	i := 0
	for l.sessions[i] != m {
		i++
	}
	switch what := rng.IntN(100); {
	case what < 7:
		state := l.names.Replace(leakStates[rng.IntN(len(leakStates))])
		if l.temp[m] && rng.IntN(2) == 0 {
			state = "DISCARD ALL" // or in the end all sessions had temporary tables
		}
		l.temp[m] = state != "DISCARD ALL" && (l.temp[m] || strings.Contains(state, "TEMP"))
		l.note("session %d: %s", i, state)
		m.do(state)
	case what < 8:
		write := l.names.Replace(leakWrites[rng.IntN(len(leakWrites))])
		l.note("database %d: %s", l.home[m], write)
		_, err := l.admins[l.home[m]].cached.ExecContext(l.Context(), write)
		if err != nil {
			l.Errorf("%s: %v", write, err)
		}
		l.heard()
	default:
		query := leakReads[rng.IntN(len(leakReads))]
		want, failed := dump(l.Context(), m.bare, query)
		ctx, res := querycache.WithResult(l.Context())
		got, err := dump(ctx, m.cached, query)
		l.note("session %d: %s: %v %s %v", i, query, res.Source(), res.Reason(), err)
		l.sources[res.Source()]++
		if res.Source() != querycache.Database && strings.Contains(query, "docs") {
			l.keyed++
		}
		if got != want || message(err) != message(failed) {
			l.Errorf("session %d: %s: from %v\n got %s (%v)\nwant %s (%v)", i, query, res.Source(), got, err, want, failed)
		}
	}
}

func (l *leak) note(format string, args ...any) {
	l.history = append(l.history, fmt.Sprintf(format, args...))
}

// heard waits until the other cache, if there is one, has heard of a write: until
// then it may show what was.
func (l *leak) heard() {
	l.Helper()
	for _, other := range l.others {
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			ctx, err := querycache.WithNotBefore(l.Context(), l.cache.Token())
			if err != nil {
				l.Fatal(err)
			}
			ctx, res := querycache.WithResult(ctx)
			if _, err := dump(ctx, other.cached, "SELECT a FROM parent"); err != nil {
				l.Fatal(err)
			}
			if res.Reason() != querycache.ReasonNotBefore && res.Reason() != querycache.ReasonLease {
				break
			}
			if time.Now().After(end) {
				l.Fatal("the other cache does not hear of a write")
			}
		}
	}
}
