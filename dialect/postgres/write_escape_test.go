package postgres_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/querycache/querycache"
)

// A trigger with dynamic SQL that is declared to write nothing: the database is
// asked about a sample of the transactions, and finds out.
func TestWriteEscape(t *testing.T) {
	for name, share := range map[string]float64{"sampled": 1, "not sampled": 0} {
		t.Run(name, func(t *testing.T) {
			var log lines
			f := newReach(t, func(c *querycache.Config) {
				c.NoWriteQuery, c.SampleWrites = true, share
				c.Writes = map[string][]string{"public.dyn": nil}
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			})
			base := f
			f = f.with(t)
			f.warmAll()
			if err := f.run("tx", "INSERT INTO loud VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			if share == 0 {
				// It has to be seen that the test would find it.
				if _, res := f.read(f.db, readOf("hidden")); res.Source() != querycache.Local {
					t.Errorf("without a sample hidden comes from %v", res.Source())
				}
				return
			}
			base.escapes = 1
			f.reaches([]string{"loud", "hidden"})
			for range 3 {
				if _, res := f.read(f.db, readOf("hidden")); res.Reason() != querycache.ReasonEscaped {
					t.Errorf("hidden from %v (%s), want %s", res.Source(), res.Reason(), querycache.ReasonEscaped)
				}
			}
			if got := strings.Count(log.String(), "table=public.hidden"); got != 1 {
				t.Errorf("logged %d times: %s", got, log.String())
			}
			// What has let one through is not trusted again, whatever it writes.
			f.exec(f.bare, "UPDATE target SET name = 'hidden2'")
			f.warm(f.db, readOf("hidden2"))
			f.exec(f.db, "INSERT INTO loud VALUES (2)")
			f.fresh("hidden2")
			f.warm(f.db, readOf("hidden2"))
			if err := f.run("tx", "INSERT INTO loud VALUES (2)"); err != nil {
				t.Fatal(err)
			}
			f.fresh("hidden2")
			// Others are as they were.
			f.warm(f.db, readOf("hidden2"))
			f.exec(f.db, "INSERT INTO ruled VALUES (2)")
			if _, res := f.read(f.db, readOf("hidden2")); res.Source() != querycache.Local {
				t.Errorf("hidden2 from %v (%s)", res.Source(), res.Reason())
			}
		})
	}
}

// fresh fails if the read of a table does not show what the database holds.
func (f *fixture) fresh(table string) {
	f.Helper()
	want, err := dump(f.Context(), f.bare, readOf(table))
	if err != nil {
		f.Fatal(err)
	}
	if got, res := f.read(f.db, readOf(table)); got != want {
		f.Errorf("%s: from %v: %s, want %s", table, res.Source(), got, want)
	}
}

// An immutable function that is none hides a write from everybody but the
// database.
func TestWriteEscapeOfLiar(t *testing.T) {
	f := newReach(t, nil)
	f.exec(f.bare, `CREATE FUNCTION liar(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM act(); RETURN true; END';
 CREATE TABLE checked (n int CHECK (liar(n)))`)
	own := f.with(t)
	own.exec(own.db, "SELECT 1; ALTER TABLE checked ADD COLUMN m int") // that the catalog is read again
	own = f.with(t)
	own.warmAll()
	if err := own.run("tx", "INSERT INTO checked VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	own.fresh("hidden")
	f.escapes = 1
}

// Where the database is asked, nothing escapes, and nothing is asked in vain.
func TestWriteQuery(t *testing.T) {
	f := newReach(t, func(c *querycache.Config) { c.SampleWrites = 0 }).with(t)
	f.warmAll()
	asked := func() int64 { return f.cache.Stats().WriteQueries }
	if err := f.run("tx", "INSERT INTO alone VALUES (1)", "DELETE FROM orders WHERE id = 9"); err != nil {
		t.Fatal(err)
	}
	if n := asked(); n != 0 {
		t.Errorf("asked %d times about writes that are known", n)
	}
	f.warmAll()
	if err := f.run("tx", "INSERT INTO alone VALUES (1)", "INSERT INTO loud VALUES (1)", "INSERT INTO loud VALUES (1)", "UPDATE rlog2 SET n = 1"); err != nil {
		t.Fatal(err)
	}
	f.reaches([]string{"alone", "alone_v", "loud", "hidden", "rlog2"})
	if n := asked(); n != 1 {
		t.Errorf("asked %d times in a transaction, want once", n)
	}
	// What is rolled back is not asked about, and reaches nothing.
	f.warmAll()
	tx, err := f.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.exec(tx, "INSERT INTO loud VALUES (1)")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.reaches(nil)
	if n := asked(); n != 1 {
		t.Errorf("asked %d times after a rollback, want once", n)
	}
	// A savepoint that is gone back to, and one that is kept.
	conn := f.conn(f.db)
	for _, text := range []string{"BEGIN", "SAVEPOINT a", "INSERT INTO alone VALUES (act())", "ROLLBACK TO a", "SAVEPOINT b", "INSERT INTO loud VALUES (1)", "RELEASE b"} {
		f.exec(conn, text)
	}
	f.warmAll() // nothing of it is visible yet
	f.exec(conn, "COMMIT")
	f.reaches([]string{"loud", "hidden"})
	// A transaction that has failed: the server rolls it back.
	f.warmAll()
	f.exec(conn, "BEGIN")
	f.exec(conn, "INSERT INTO loud VALUES (1)")
	if _, err := conn.ExecContext(t.Context(), "SELECT 1/0"); err == nil {
		t.Fatal("1/0 is something")
	}
	f.exec(conn, "COMMIT")
	f.fresh("loud")
	f.fresh("hidden")
	// And one that fails in COMMIT shows its own error.
	tx, err = f.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.exec(tx, "INSERT INTO loud VALUES (1)")
	f.exec(tx, "INSERT INTO coded VALUES (12345)") // a deferred key
	if err := tx.Commit(); err == nil || !strings.Contains(err.Error(), "23503") {
		t.Errorf("COMMIT of a violated key: %v", err)
	}
	f.fresh("loud")
}

// While a transaction is open, what it has written is nobody's business.
func TestWriteQueryWhileOpen(t *testing.T) {
	f := newReach(t, nil).with(t)
	f.warmAll()
	tx, err := f.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.exec(tx, "INSERT INTO loud VALUES (1)")
	f.exec(tx, "SELECT act()")
	f.exec(tx, "CALL run()")
	f.reaches(nil)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	f.reaches([]string{"loud", "hidden", "hidden2"})
}
