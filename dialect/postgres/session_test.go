package postgres_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
)

// Whatever a session is made into, it reads its own rows, and nobody else does.
func TestSessions(t *testing.T) {
	const query = "SELECT n, '2026-07-01 12:00+00'::timestamptz::text FROM other ORDER BY n"
	for name, steps := range map[string][]string{
		"search_path":        {"SET search_path TO away, public"},
		"search_path, local": {"BEGIN", "SET LOCAL search_path TO away", "COMMIT"},
		"set_config":         {"SELECT set_config('search_path', 'away', false)"},
		"time zone":          {"SET TIME ZONE 'Asia/Tokyo'"},
		"role":               {"SET ROLE qc_testsessions"},
		"temporary table":    {"CREATE TEMP TABLE other AS SELECT 5 AS n"},
		"temporary, dropped": {"CREATE TEMP TABLE other (n int)", "DROP TABLE pg_temp.other"},
		"in a block":         {"DO $$ BEGIN PERFORM set_config('search_path', 'away', false); END $$"},
		"in a function":      {"SELECT move()"},
		"in a stable one":    {"SELECT settle()"},
		"named as built in":  {"SELECT path('away'::text)"},
		"in a view":          {"SELECT * FROM moving"},
		"in a trigger":       {"INSERT INTO scratch VALUES (1)"},
		"temporary child":    {"CREATE TEMP TABLE mine () INHERITS (other)", "INSERT INTO mine VALUES (99)"},
		"reset":              {"SET search_path TO away", "RESET ALL"},
		"discard":            {"SET search_path TO away", "DISCARD ALL"},
		"aborted":            {"BEGIN", "SET search_path TO away", "ROLLBACK"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.exec(f.bare, `CREATE SCHEMA away; CREATE TABLE away.other (n int); INSERT INTO away.other VALUES (77);
 CREATE FUNCTION move() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT set_config('search_path', 'away', false) $$;
 CREATE FUNCTION settle() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN set_config('search_path', 'away', false); END $$;
 CREATE FUNCTION path(p text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT set_config('search_path', p, false) $$;
 CREATE VIEW moving AS SELECT n, move() AS m FROM audited;
 CREATE FUNCTION moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM move(); RETURN NEW; END $$;
 CREATE TRIGGER moves BEFORE INSERT ON scratch FOR EACH ROW EXECUTE FUNCTION moves();
 DO $$ BEGIN CREATE ROLE qc_testsessions; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
 GRANT USAGE ON SCHEMA away TO qc_testsessions; GRANT SELECT ON ALL TABLES IN SCHEMA public TO qc_testsessions`)
			defer f.exec(f.bare, "DROP OWNED BY qc_testsessions")
			f.exec(f.db, "CREATE TABLE new_to_the_cache (n int)")
			// Without prepared statements, which DISCARD takes from pgx.
			f.bare, f.db = f.open("pgx", f.dsn+describe), f.connect(f.dsn+describe)
			usual := f.warm(f.db, query)
			bare, cached := f.conn(f.bare), f.conn(f.db)
			for _, step := range steps {
				f.exec(bare, step)
				f.exec(cached, step)
			}
			for range 3 {
				want, _ := f.read(bare, query)
				if got, res := f.read(cached, query); got != want {
					t.Errorf("in the session %s from %v, want %s", got, res.Source(), want)
				}
				if got, res := f.read(f.db, query); got != usual {
					t.Errorf("beside the session %s from %v, want %s", got, res.Source(), usual)
				}
			}
			own := name == "temporary table" || name == "temporary child"
			// A write in the session reaches what it means there.
			if name != "role" {
				f.exec(cached, "UPDATE other SET n = n + 1")
			}
			for label, q := range map[string]queryer{"in": cached, "beside": f.db} {
				plain := queryer(f.bare)
				if label == "in" && !own {
					plain = bare
				}
				if label == "in" && own {
					continue // each has its own
				}
				want, _ := f.read(plain, query)
				if got, res := f.read(q, query); got != want {
					t.Errorf("%s the session after a write %s from %v, want %s", label, got, res.Source(), want)
				}
			}
		})
	}
}

func (f *fixture) conn(db *sql.DB) *sql.Conn {
	f.Helper()
	c, err := db.Conn(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	return c
}

// Two users and two databases of one server.
func TestUsersAndDatabases(t *testing.T) {
	f := newFixture(t, nil)
	g := newFixture(t, nil)
	f.exec(f.bare, "CREATE ROLE "+role(t)+" LOGIN")
	defer f.exec(f.bare, "DROP OWNED BY "+role(t)+"; DROP ROLE "+role(t))
	f.exec(f.bare, "CREATE SCHEMA "+role(t)+" AUTHORIZATION "+role(t)+"; CREATE TABLE "+role(t)+".other AS SELECT 5 AS n; ALTER TABLE "+role(t)+".other OWNER TO "+role(t))
	f.exec(g.bare, "UPDATE other SET n = 9")
	user, db2 := f.connect(as(t, f.dsn, role(t))), f.connect(g.dsn)
	for range 3 {
		for _, test := range []struct {
			db   *sql.DB
			want string
		}{{f.db, "n INT4 int32 0 false 0 0 false;\nint64:0|"}, {user, "n INT4 int32 0 false 0 0 false;\nint64:5|"}, {db2, "n INT4 int32 0 false 0 0 false;\nint64:9|"}} {
			if got, res := f.read(test.db, "SELECT n FROM other"); got != test.want {
				t.Errorf("%q from %v, want %q", got, res.Source(), test.want)
			}
		}
	}
	f.warm(user, "SELECT n FROM other")
	f.exec(f.db, "UPDATE "+role(t)+".other SET n = 6")
	if got, res := f.read(user, "SELECT n FROM other"); got != "n INT4 int32 0 false 0 0 false;\nint64:6|" {
		t.Errorf("after another user's write %q from %v", got, res.Source())
	}
}

// A session that holds a lock, a cursor or a channel reads from the database.
func TestHolds(t *testing.T) {
	f := newFixture(t, nil)
	for _, test := range [][2]string{
		{"SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(1)"},
		{"LISTEN news", "UNLISTEN news"},
		{"DECLARE c CURSOR WITH HOLD FOR SELECT * FROM other", "CLOSE c"},
		{"CREATE TEMP TABLE x (n int)", ""}, // there is no way back
	} {
		hold, release := test[0], test[1]
		f.warm(f.db, other)
		conn := f.conn(f.db)
		f.exec(conn, hold)
		for range 2 {
			if _, res := f.read(conn, other); res.Source() == querycache.Local {
				t.Errorf("after %s from memory", hold)
			}
			if _, res := f.read(f.db, other); res.Source() != querycache.Local {
				t.Errorf("beside %s from %v (%s)", hold, res.Source(), res.Reason())
			}
		}
		if release != "" {
			f.exec(conn, release)
			f.warm(conn, other)
		}
		conn.Close()
	}
}

// Connectors of a pool may have hooks, so they are refused until Config.Session
// says what varies.
func TestPools(t *testing.T) {
	f := newFixture(t, nil)
	pool, err := pgxpool.New(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db := f.cache.OpenDB(stdlib.GetPoolConnector(pool))
	defer db.Close()
	for range 2 {
		if _, res := f.read(db, other); res.Reason() != querycache.ReasonSessionHook {
			t.Errorf("%q from %v, want %q", res.Reason(), res.Source(), querycache.ReasonSessionHook)
		}
	}
	f.warm(f.db, other)
	f.exec(db, "UPDATE other SET n = 4")
	want, _ := dump(t.Context(), f.bare, other)
	if got, _ := f.read(f.db, other); got != want {
		t.Errorf("after a write through the pool %s, want %s", got, want)
	}

	g := newFixture(t, func(c *querycache.Config) {
		c.Session = func(context.Context) (string, bool) { return "", true }
	})
	pool2, err := pgxpool.New(t.Context(), g.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool2.Close()
	db2 := g.cache.OpenDB(stdlib.GetPoolConnector(pool2))
	defer db2.Close()
	g.warm(db2, other)
}

// COMMIT of a transaction that has failed rolls back, and says so.
func TestAbortedCommit(t *testing.T) {
	f := newFixture(t, nil)
	usual := f.warm(f.db, other)
	for _, text := range [][]string{
		{"BEGIN", "UPDATE other SET n = 8", "SELECT 1/0", "COMMIT"},
		{"BEGIN", "SAVEPOINT a", "UPDATE other SET n = 8", "ROLLBACK TO a", "COMMIT"},
	} {
		conn := f.conn(f.db)
		for _, step := range text {
			_, _ = conn.ExecContext(t.Context(), step)
		}
		conn.Close()
		if got, res := f.read(f.db, other); got != usual {
			t.Errorf("%q: %s from %v, want %s", text, got, res.Source(), usual)
		}
	}
	f.exec(f.db, "BEGIN; UPDATE other SET n = 8; ROLLBACK")
	f.warm(f.db, other)
}
