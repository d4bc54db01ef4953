package querycache_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/querycache/querycache"
)

// Transactions in SQL text, however they are divided into texts: what was
// written is seen when it is committed, and not before.
func TestTransactionsInTexts(t *testing.T) {
	const update = "UPDATE authors SET name = 'A' WHERE id = 1"
	for _, texts := range [][]string{
		// One text ends a transaction and leaves another one open.
		{"BEGIN; UPDATE other SET n = 1; COMMIT; BEGIN; " + update, "COMMIT"},
		{"BEGIN", "COMMIT; BEGIN; " + update, "COMMIT"},
		{"BEGIN", "ROLLBACK; BEGIN; " + update, "COMMIT"},
		{"SAVEPOINT a", "RELEASE a; SAVEPOINT b; " + update, "RELEASE b"},
		{"BEGIN; " + update, "SAVEPOINT x; ROLLBACK TO x; RELEASE x; COMMIT"},
		// One that is not analysed does.
		{"BEGIN; " + update + "; SELECT '" + strings.Repeat("x", 300<<10) + "'", "COMMIT"},
		{"SAVEPOINT a; " + update + "; PRAGMA no_such_pragma = 1", "RELEASE a"},
		// Savepoints of one name, and such as SQLite takes for two.
		{"SAVEPOINT a", "SAVEPOINT A", "RELEASE a", update, "RELEASE A"},
		{"SAVEPOINT a", "SAVEPOINT b", "ROLLBACK TO a", update, "RELEASE a"},
		{"SAVEPOINT Ä", "SAVEPOINT ä", "RELEASE Ä", update},
		{`SAVEPOINT "a b"`, update, "RELEASE [A B]"},
		// Words and comments in odd places.
		{"BEGIN", update, "END TRANSACTION"},
		{"/* a */ BEGIN -- x\n EXCLUSIVE TRANSACTION", update, " ; ; COMMIT /* x */ ;;"},
	} {
		t.Run(fmt.Sprintf("%.90q", texts), func(t *testing.T) {
			f := newFixture(t, nil)
			f.warm(authors)
			c := f.conn()
			for _, text := range texts {
				f.exec(c, text)
				f.right(authors)
				f.right(authors)
			}
		})
	}
}

// A BEGIN may have taken effect although the driver returns an error: its
// context ended at that moment. What is read on the connection from then on is
// as old as the transaction.
func TestBeginThatFailsLate(t *testing.T) {
	for _, begin := range []string{"BEGIN", "SAVEPOINT a", "BEGIN; SELECT 1", "driver"} {
		t.Run(begin, func(t *testing.T) {
			f := newFixture(t, nil)
			db, spied := f.spy(f.dsn)
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			spied.did = func(text string) error {
				if text == begin || text == "BEGIN" {
					return context.Canceled
				}
				return nil
			}
			if begin == "driver" {
				_, err = conn.BeginTx(t.Context(), nil)
			} else {
				_, err = conn.ExecContext(t.Context(), begin)
			}
			if err != context.Canceled {
				t.Fatalf("%s: %v", begin, err)
			}
			spied.did = func(string) error { return nil }
			f.read(conn, "SELECT count(*) FROM other") // as of when it will read
			f.exec(f.db, "UPDATE other SET n = 7")
			f.read(conn, other)
			if got, res := f.read(db, other); got != "int64:7 \n" {
				t.Errorf("after a write %q, from %v", got, res.Source())
			}
			f.exec(conn, "ROLLBACK")
			f.read(conn, books)
			if _, res := f.read(conn, books); res.Source() != querycache.Local {
				t.Errorf("after ROLLBACK from %v (%s)", res.Source(), res.Reason())
			}
		})
	}
}
