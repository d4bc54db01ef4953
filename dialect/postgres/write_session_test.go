package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/querycache/querycache"
)

// An UPDATE of pg_settings is a SET, and a write of a catalog a schema change.
func TestWriteOfSystemCatalogs(t *testing.T) {
	f := newReach(t, func(c *querycache.Config) { c.SampleWrites = 0 })
	f.exec(f.bare, "CREATE SCHEMA aside; CREATE TABLE aside.alone (n int); INSERT INTO aside.alone VALUES (77)")
	f.exec(f.db, "CREATE TABLE nothing (n int)") // that the catalog is read again
	f = f.with(t)
	for _, way := range []string{"alone", "in a transaction"} {
		moved, other := f.with(t), f.with(t)
		conn := moved.conn(moved.db)
		moved.warm(conn, readOf("alone"))
		texts := []string{"UPDATE pg_settings SET setting = 'aside, public' WHERE name = 'search_path'"}
		if way != "alone" {
			texts = []string{"BEGIN", texts[0], "COMMIT"}
		}
		for _, text := range texts {
			moved.exec(conn, text)
		}
		for range 3 {
			if got, res := moved.read(conn, readOf("alone")); !strings.Contains(got, "int64:77|") {
				t.Errorf("%s: %s from %v, want what is in the search path", way, got, res.Source())
			}
			other.fresh("alone")
		}
	}
	f.exec(f.bare, "ALTER TABLE loud DISABLE TRIGGER ALL")
	f.exec(f.db, "ALTER TABLE nothing ADD COLUMN m int")
	own := f.with(t)
	own.warmAll()
	own.exec(own.db, "INSERT INTO loud VALUES (1)")
	own.reaches([]string{"loud"})
	own.exec(own.db, "UPDATE pg_catalog.pg_trigger SET tgenabled = 'O' WHERE tgrelid = 'loud'::regclass")
	own = f.with(t) // on which the trigger fires
	own.warmAll()
	before := own.warm(own.db, readOf("hidden"))
	own.exec(own.db, "INSERT INTO loud VALUES (1)")
	if after, err := dump(t.Context(), f.bare, readOf("hidden")); err != nil || after == before {
		t.Fatalf("the trigger has not fired: %v", err)
	}
	own.fresh("hidden")
}

// What a read calls that means another view, or is subject to policies, since the
// session was changed, is a write.
func TestReadThatWritesInChangedSession(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.SampleWrites = 0 })
	user := role(t)
	f.exec(f.bare, `CREATE TABLE seen (n int); INSERT INTO seen VALUES (0); CREATE SCHEMA aside; CREATE TABLE guarded (n int); INSERT INTO guarded VALUES (1);
CREATE FUNCTION act() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN UPDATE seen SET n = n + 1; RETURN 1; END $$;
CREATE VIEW v AS SELECT n FROM other; CREATE VIEW aside.v AS SELECT n + act() AS n FROM other;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON guarded USING (act() > 0);
CREATE ROLE `+user+`; GRANT SELECT ON ALL TABLES IN SCHEMA public TO `+user)
	t.Cleanup(func() { f.bare.Exec("DROP OWNED BY " + user + "; DROP ROLE " + user) })
	f.exec(f.db, "CREATE TABLE nothing (n int)") // that the catalog is read again
	for _, texts := range [][]string{
		{"SET search_path = aside, public", "SELECT n FROM v"},
		{"BEGIN", "SET LOCAL search_path = aside, public", "SELECT n FROM v", "COMMIT"},
		{"BEGIN", "SET LOCAL search_path = aside, public", "COPY (TABLE v) TO STDOUT", "COMMIT"},
		{"SET ROLE " + user, "SELECT n FROM guarded"},
		{"BEGIN", "SET LOCAL ROLE " + user, "SELECT n FROM guarded", "COMMIT"},
	} {
		t.Run(strings.Join(texts[len(texts)/4:], "; "), func(t *testing.T) {
			own, reading := f.with(t), f.with(t)
			before := reading.warm(reading.db, readOf("seen"))
			conn := own.conn(own.db)
			for _, text := range texts {
				if strings.HasPrefix(text, "SELECT") {
					own.read(conn, text)
				} else if _, err := conn.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
			if after, err := dump(t.Context(), f.bare, readOf("seen")); err != nil || after == before {
				t.Fatalf("nothing was written: %v", err)
			}
			reading.fresh("seen")
		})
	}
}

// While the catalog is being read again, a view that writes does so all the same.
func TestReadThatWritesWithoutCatalog(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.SampleWrites = 0 })
	f.exec(f.bare, `CREATE TABLE seen (n int); INSERT INTO seen VALUES (0);
CREATE FUNCTION act() RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE seen SET n = n + 1; RETURN 1; END $$;
CREATE VIEW v AS SELECT n + act() AS n FROM other`)
	f.exec(f.db, "CREATE TABLE nothing (n int)") // that the catalog is read again
	own, reading := f.with(t), f.with(t)
	reading.warm(reading.db, readOf("seen"))
	locker, conn := f.conn(f.bare), own.conn(own.db)
	own.read(conn, other)
	f.exec(locker, "BEGIN; LOCK TABLE pg_catalog.pg_ts_config_map", pgx.QueryExecModeSimpleProtocol) // which reading the catalog needs
	f.exec(f.db, "COMMENT ON TABLE other IS 'x'")
	own.exec(conn, "BEGIN")
	own.read(conn, "SELECT n FROM v")
	f.exec(locker, "ROLLBACK")
	before := reading.warm(reading.db, readOf("seen"))
	own.exec(conn, "COMMIT")
	if after, err := dump(t.Context(), f.bare, readOf("seen")); err != nil || after == before {
		t.Fatalf("nothing was written: %v", err)
	}
	reading.fresh("seen")
}
