package pgsql

import (
	"context"
	"database/sql/driver"
	"slices"
	"testing"

	"github.com/querycache/querycache/dialect"
)

const askSchema = `
CREATE TABLE a (n int); CREATE TABLE b (n int PRIMARY KEY); CREATE TABLE c (n int); CREATE TABLE big (x text);
CREATE TABLE part (n int, k int) PARTITION BY LIST (k); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE INDEX ON a (n); CREATE SEQUENCE seq; CREATE TABLE counted (n serial);
CREATE MATERIALIZED VIEW m AS SELECT n FROM a;
CREATE FUNCTION dyn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO b VALUES (1) ON CONFLICT DO NOTHING'; RETURN NULL; END $$;
CREATE TABLE t (n int); CREATE TRIGGER dyn AFTER INSERT ON t EXECUTE FUNCTION dyn();
CREATE TABLE late (n int);
CREATE CONSTRAINT TRIGGER dyn AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dyn();
INSERT INTO a VALUES (1); INSERT INTO b VALUES (0);
CREATE SCHEMA traps; CREATE FUNCTION traps.no(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION traps.no(text, text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION traps.no(oid, oid) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR traps.= (LEFTARG = int, RIGHTARG = int, FUNCTION = traps.no); CREATE OPERATOR traps.= (LEFTARG = text, RIGHTARG = text, FUNCTION = traps.no);
CREATE OPERATOR traps.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = traps.no); CREATE OPERATOR traps.>= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = traps.no);
`

// What a transaction has written, the server tells.
func TestAskWrites(t *testing.T) {
	db := open(t, askSchema)
	for _, test := range []struct {
		name, begin string
		texts       []string
		want        string
		changed     string // empty: as want
		everything  dialect.Reason
	}{
		{name: "nothing"},
		{name: "a read", texts: []string{"SELECT * FROM a"}},
		{name: "a lock of rows", texts: []string{"SELECT * FROM a FOR UPDATE"}},
		{name: "an insert", texts: []string{"INSERT INTO a VALUES (1)"}, want: "a"},
		{name: "an update", texts: []string{"UPDATE a SET n = 2"}, want: "a"},
		{name: "an update of nothing", texts: []string{"UPDATE a SET n = 2 WHERE false"}, want: "a", changed: "-"},
		{name: "a delete", texts: []string{"DELETE FROM a"}, want: "a"},
		{name: "a long value", texts: []string{"INSERT INTO big SELECT string_agg(random()::text, '') FROM generate_series(1, 10000)"}, want: "big"},
		{name: "a sequence", texts: []string{"INSERT INTO counted DEFAULT VALUES", "SELECT setval('seq', 4)"}, want: "counted"},
		{name: "a partition", texts: []string{"INSERT INTO part_1 VALUES (1, 1)"}, want: "part"},
		{name: "a root", texts: []string{"INSERT INTO part VALUES (1, 1)"}, want: "part"},
		{name: "dynamic SQL in a trigger", texts: []string{"INSERT INTO t VALUES (1)"}, want: "b t"},
		{name: "what was undone", texts: []string{"SAVEPOINT s", "INSERT INTO a VALUES (1)", "ROLLBACK TO s", "INSERT INTO c VALUES (1)"}, want: "c"},
		{name: "what was kept", texts: []string{"SAVEPOINT s", "INSERT INTO a VALUES (1)", "RELEASE s"}, want: "a"},
		{name: "a lock", texts: []string{"LOCK TABLE a IN EXCLUSIVE MODE"}, want: "a", changed: "-"},
		{name: "truncate", texts: []string{"TRUNCATE a"}, want: "a", changed: "-", everything: dialect.ReasonSchemaChange},
		{name: "refresh", texts: []string{"REFRESH MATERIALIZED VIEW m"}, want: "m", everything: dialect.ReasonSchemaChange},
		{name: "a schema change", texts: []string{"ALTER TABLE c ADD COLUMN x int"}, want: "c", changed: "-", everything: dialect.ReasonSchemaChange},
		{name: "a new function", texts: []string{"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"}, everything: dialect.ReasonSchemaChange},
		{name: "a right", texts: []string{"GRANT SELECT ON a TO public"}, everything: dialect.ReasonSchemaChange},
		{name: "a role", texts: []string{"ALTER ROLE CURRENT_USER SET work_mem = '4MB'"}, everything: dialect.ReasonSchemaChange},
		{name: "a temporary table", texts: []string{"CREATE TEMP TABLE tmp (n int)"}, everything: dialect.ReasonSchemaChange},
		{name: "a deferrable trigger", texts: []string{"INSERT INTO late VALUES (1)"}, want: "late", everything: dialect.ReasonTrigger},
		{name: "a cursor that outlives it", texts: []string{"DECLARE x CURSOR WITH HOLD FOR SELECT 1"}, everything: dialect.ReasonHolds},
		{name: "no statistics", texts: []string{"SET LOCAL track_counts = off", "INSERT INTO a VALUES (1)"}, want: "a", changed: "-", everything: dialect.ReasonSchemaChange},
		{name: "statistics", texts: []string{"ANALYZE a"}},
		{name: "a large object", texts: []string{"SELECT lo_from_bytea(0, 'x')"}},
		{name: "repeatable read", begin: "BEGIN ISOLATION LEVEL REPEATABLE READ", texts: []string{"INSERT INTO t VALUES (1)"}, want: "b t"},
		{name: "a search path with traps", texts: []string{"SET LOCAL search_path = traps, pg_catalog, public", "INSERT INTO t VALUES (1)"}, want: "b t"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, dsn := range map[string]string{"pgx": db.dsn, "postgres": db.dsn + "?sslmode=disable"} {
				conn := connect(t, name, dsn)
				snap := conn.load()
				begin := test.begin
				if begin == "" {
					begin = "BEGIN"
				}
				for _, text := range append([]string{begin}, test.texts...) {
					conn.exec(text)
				}
				w, err := conn.askWrites(snap)
				if err != nil {
					t.Fatal(err)
				}
				if want := inPublic(test.want); !slices.Equal(w.Relations, want) || w.Everything != test.everything {
					t.Errorf("%s: %q, everything %q, want %q, %q", name, w.Relations, w.Everything, want, test.everything)
				}
				changed := test.want
				if test.changed == "-" {
					changed = ""
				}
				if want := inPublic(changed); !slices.Equal(w.Changed, want) {
					t.Errorf("%s: changed are %q, want %q", name, w.Changed, want)
				}
				if w.Schema != (test.everything == dialect.ReasonSchemaChange) {
					t.Errorf("%s: schema is %v", name, w.Schema)
				}
				conn.exec("ROLLBACK")
				conn.Close()
			}
		})
	}
}

func (d *database) askWrites(snap dialect.Catalog) (w dialect.Written, err error) {
	d.t.Helper()
	d.raw(func(c driver.Conn) error {
		w, err = Dialect{}.AskWrites(context.Background(), c, snap)
		return nil
	})
	return w, err
}

// A table that is newer than the snapshot of the transaction, and than the catalog.
func TestAskWritesOfNewTable(t *testing.T) {
	db := open(t, askSchema)
	snap := db.load()
	for _, begin := range []string{"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"} {
		conn := connect(t, "pgx", db.dsn)
		conn.exec(begin)
		conn.exec("SELECT 1 FROM a")
		db.exec("CREATE TABLE new (n int)")
		conn.exec("INSERT INTO new VALUES (1)")
		if w, err := conn.askWrites(snap); err != nil || w.Everything != dialect.ReasonUnknownTable {
			t.Errorf("%s: %+v, %v, want %q", begin, w, err, dialect.ReasonUnknownTable)
		}
		conn.exec("ROLLBACK")
		db.exec("DROP TABLE new")
	}
}

// A question that fails does not end the transaction.
func TestAskWritesFails(t *testing.T) {
	db := open(t, askSchema)
	snap := *db.load().(*catalog)
	snap.ask = "SELECT 1/0"
	db.exec("BEGIN")
	db.exec("INSERT INTO c VALUES (11)")
	if w, err := db.askWrites(&snap); err == nil {
		t.Fatalf("1/0 is %+v", w)
	}
	db.exec("COMMIT")
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT n FROM c").Scan(&n); err != nil || n != 11 {
		t.Errorf("after COMMIT %d, %v, want 11", n, err)
	}
	// Nor does it mend one that has failed.
	db.exec("BEGIN")
	if _, err := db.ExecContext(t.Context(), "SELECT 1/0"); err == nil {
		t.Fatal("1/0 is something")
	}
	if w, err := db.askWrites(&snap); err == nil {
		t.Errorf("in a transaction that has failed: %+v", w)
	}
	if _, err := db.ExecContext(t.Context(), "SELECT 1"); err == nil {
		t.Error("the transaction goes on although it had failed")
	}
	db.exec("ROLLBACK")
}

// Where the locks would not tell, nothing is asked.
func TestAskWritesBeyond(t *testing.T) {
	for _, test := range []struct {
		name, ddl string
		beyond    bool
	}{
		{"nothing", "SELECT 1", false},
		{"dblink", "CREATE EXTENSION dblink", true},
		{"postgres_fdw", "CREATE EXTENSION postgres_fdw", true},
		{"a foreign table", "CREATE EXTENSION file_fdw; CREATE SERVER f FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE x (n int) SERVER f OPTIONS (filename '/dev/null')", true},
		{"pgcrypto", "CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_trgm; CREATE EXTENSION tcn; CREATE EXTENSION lo; CREATE EXTENSION pgstattuple", false},
		{"a trusted language", "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'", false},
	} {
		db := open(t, askSchema)
		if _, err := db.ExecContext(t.Context(), test.ddl); err != nil {
			t.Logf("%s: %v", test.name, err)
			continue // not every installation has every extension
		}
		if got := db.load().(*catalog).beyond; got != test.beyond {
			t.Errorf("%s: beyond is %v, want %v", test.name, got, test.beyond)
		}
	}
}
