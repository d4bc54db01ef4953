package postgres_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/querycache/querycache"
)

// What functions and triggers are declared to write counts, and no more, outside
// of transactions as well as within.
func TestWriteDeclared(t *testing.T) {
	var log lines
	f := newReach(t, func(c *querycache.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Writes = map[string][]string{
			"public.dyn": {"public.hidden"}, "public.act()": {"public.hidden"},
			"public.run": {"public.hidden2"}, "public.nobody": {"public.hidden"}, "public.undo": {"nowhere"},
		}
	})
	f.reachAll(t, []reachTest{
		{"trigger", "INSERT INTO loud VALUES (1)", "loud hidden", ""},
		{"trigger behind a key", "DELETE FROM tree WHERE id = 9", "tree below hidden", ""},
		{"deferred trigger", "INSERT INTO late VALUES (1)", "late hidden", ""},
		{"function", "SELECT act()", "hidden", ""},
		{"function in a write", "INSERT INTO rlog2 VALUES (act())", "rlog2 hidden", ""},
		{"call", "CALL run()", "hidden2", ""},
		{"default", "INSERT INTO filled VALUES (DEFAULT)", "*", "filled hidden"}, // nobody says which function that is
		{"not declared", "SELECT undo()", "*", "hidden"},
	})
	for _, name := range []string{"public.nobody", "public.undo"} {
		if got := strings.Count(log.String(), "function="+name); got != 1 {
			t.Errorf("%s was logged %d times: %s", name, got, log.String())
		}
	}
	if strings.Contains(log.String(), "function=public.act") {
		t.Errorf("a name that is known was logged: %s", log.String())
	}
}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// What a session may have become by a trigger that is declared does not make the
// next write over it one of everything.
func TestWriteAfterTrigger(t *testing.T) {
	f := newReach(t, func(c *querycache.Config) {
		c.Writes = map[string][]string{"public.dyn": {"public.hidden"}}
	}).with(t)
	conn := f.conn(f.db)
	for range 3 {
		f.warmAll()
		f.exec(conn, "INSERT INTO loud VALUES (1)")
		f.exec(conn, "INSERT INTO alone VALUES (1)")
		f.exec(conn, "INSERT INTO ruled VALUES (1)")
		f.reaches([]string{"loud", "hidden", "alone", "alone_v", "ruled", "rlog", "rlog2"})
	}
	// Names mean what they mean now.
	f.exec(f.bare, "CREATE SCHEMA aside; CREATE TABLE aside.alone (n int)")
	f.exec(f.db, "ALTER TABLE target ADD COLUMN x int")
	f.warmAll()
	f.exec(conn, "SET search_path = aside, public")
	f.exec(conn, "INSERT INTO alone VALUES (1)")
	f.reaches(nil)
}

// Where all that a transaction sets off is declared, nothing is asked: not in the
// first and not in those after it. A trigger that speaks of the search path is
// not believed to leave it alone.
func TestWriteDeclaredIsNotAsked(t *testing.T) {
	f := newReach(t, func(c *querycache.Config) {
		c.SampleWrites = 0
		c.Writes = map[string][]string{"public.dyn": {"public.hidden"}, "public.astray": nil, "public.zone": nil, "public.act()": {"public.hidden"}}
	})
	f.exec(f.bare, `CREATE SCHEMA aside; CREATE TABLE aside.alone (n int);
CREATE FUNCTION astray() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET search_path = aside, public; RETURN NULL; END $$;
CREATE TRIGGER astray AFTER UPDATE ON loud EXECUTE FUNCTION astray();
CREATE FUNCTION zone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET TimeZone = 'Asia/Tokyo'; RETURN NULL; END $$;
CREATE TRIGGER zone AFTER UPDATE ON late EXECUTE FUNCTION zone();`)
	f.exec(f.db, "ALTER TABLE target ADD COLUMN x int") // that the catalog is read again
	aside := "SELECT n FROM aside.alone"
	for _, way := range []string{"tx", "text"} {
		for _, test := range []struct {
			name   string
			writes []string
			asked  bool
			aside  bool
			want   string
		}{
			{"trigger", []string{"INSERT INTO loud VALUES (1)", "INSERT INTO alone VALUES (1)", "INSERT INTO loud VALUES (2)"}, false, false, "loud hidden alone alone_v"},
			{"deferred trigger", []string{"INSERT INTO late VALUES (1)", "INSERT INTO alone VALUES (1)"}, false, false, "late hidden alone alone_v"},
			{"settings", []string{"UPDATE late SET n = 1", "INSERT INTO alone VALUES (1)"}, false, false, "late alone alone_v"},
			{"search path", []string{"UPDATE loud SET n = 1", "INSERT INTO alone VALUES (1)"}, true, true, "loud"},
			{"function", []string{"SELECT act()", "INSERT INTO alone VALUES (1)"}, true, false, "hidden alone alone_v"}, // which may have set a tenant
		} {
			t.Run(test.name+"/"+way, func(t *testing.T) {
				writing, reading := f.with(t), f.with(t) // over a connection that nobody changes
				for range 2 {
					reading.warmAll()
					reading.warm(reading.db, aside)
					before := f.cache.Stats().WriteQueries
					if err := writing.run(way, test.writes...); err != nil {
						t.Fatal(err)
					}
					if asked := f.cache.Stats().WriteQueries - before; asked > 0 != test.asked {
						t.Errorf("asked %d times, want %v", asked, test.asked)
					}
					reading.reaches(strings.Fields(test.want))
					if got, res := reading.read(reading.db, aside); (res.Source() == querycache.Local) == test.aside {
						t.Errorf("aside.alone: %s from %v", got, res.Source())
					}
				}
			})
		}
	}
	// What a session may have become still counts for its reads.
	own := f.with(t)
	conn := own.conn(own.db)
	const at = "SELECT '2026-07-01 12:00+00'::timestamptz::text FROM target"
	own.warm(conn, at)
	own.exec(conn, "BEGIN")
	own.exec(conn, "UPDATE late SET n = 1")
	own.exec(conn, "COMMIT")
	for range 3 {
		if got, res := own.read(conn, at); !strings.Contains(got, "21:00:00+09") {
			t.Errorf("%s from %v, want the time in Tokyo", got, res.Source())
		}
	}
}
