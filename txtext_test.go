package querycache_test

import (
	"fmt"
	"strings"
	"testing"
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
