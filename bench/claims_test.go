package bench

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"text/tabwriter"

	modernc "modernc.org/sqlite"
)

// hint is in the notation of other packages, which querycache understands too.
const hint = "/* @cache-ttl 60 @cache-max-rows 100 */ "

// A shop is a database, read through one of the ways.
type shop struct {
	reader
	t  *testing.T
	db *sql.DB
	// outside is the same database past whatever remembers.
	outside *sql.DB
}

// claims are what the ways are asked. Each returns a few words on what it saw;
// want has them for each way.
var claims = []struct {
	name  string
	want  map[string]string
	claim func(s *shop) string
}{
	{"QueryRow, again", map[string]string{
		"bare": "database", "querycache": "memory", "by hand": "memory",
	}, func(s *shop) string {
		const q = hint + "SELECT price FROM goods WHERE id = ?"
		s.seen(s.row(s.ctx(), s.db, q, 7))
		s.exec(s.outside, "UPDATE goods SET price = 90 WHERE id = 7")
		return pick(s.seen(s.row(s.ctx(), s.db, q, 7)), "100", "memory", "90", "database")
	}},
	{"all rows, after the rows were closed early", map[string]string{
		"bare": "all", "querycache": "all", "by hand": "all",
	}, func(s *shop) string {
		const q = hint + "SELECT id FROM goods ORDER BY id"
		s.seen(s.begin(s.ctx(), s.db, q))
		a := s.answer(s.all(s.ctx(), s.db, q))
		return pick(fmt.Sprint(len(a.rows)), "2", "all", "1", "a part")
	}},
	{"after an UPDATE", map[string]string{
		"bare": "new row", "querycache": "new row", "by hand": "old row",
	}, func(s *shop) string {
		const q = hint + "SELECT price FROM goods WHERE id = ?"
		s.seen(s.row(s.ctx(), s.db, q, 7))
		s.exec(s.db, "UPDATE goods SET price = 90 WHERE id = 7")
		return pick(s.seen(s.row(s.ctx(), s.db, q, 7)), "100", "old row", "90", "new row")
	}},
	{"after an UPDATE, through a view and a trigger", map[string]string{
		"bare": "new row", "querycache": "new row", "by hand": "old row",
	}, func(s *shop) string {
		const q = hint + "SELECT n FROM changes"
		s.seen(s.row(s.ctx(), s.db, q))
		s.exec(s.db, "UPDATE goods SET price = 90 WHERE id = 7")
		return pick(s.seen(s.row(s.ctx(), s.db, q)), "0", "old row", "1", "new row")
	}},
	{"a transaction reads what it wrote", map[string]string{
		"bare": "own row", "querycache": "own row", "by hand": "own row",
	}, func(s *shop) string {
		const q = hint + "SELECT price FROM goods WHERE id = ?"
		s.seen(s.row(s.ctx(), s.db, q, 7))
		tx := s.begun()
		defer tx.Rollback()
		s.exec(tx, "UPDATE goods SET price = 90 WHERE id = 7")
		return pick(s.seen(s.row(s.ctx(), tx, q, 7)), "100", "old row", "90", "own row")
	}},
	{"a row that was rolled back is shown to others", map[string]string{
		"bare": "never", "querycache": "never", "by hand": "never",
	}, func(s *shop) string {
		const q = hint + "SELECT price FROM goods WHERE id = ?"
		tx := s.begun()
		s.exec(tx, "UPDATE goods SET price = 90 WHERE id = 7")
		s.answer(s.all(s.ctx(), tx, q, 7))
		if err := tx.Rollback(); err != nil {
			s.t.Fatal(err)
		}
		return pick(s.seen(s.row(s.ctx(), s.db, q, 7)), "100", "never", "90", "as if it were true")
	}},
	{"the time", map[string]string{
		"bare": "goes on", "querycache": "goes on", "by hand": "stands",
	}, func(s *shop) string {
		const now = "SELECT strftime('%f', 'now') FROM goods WHERE id = 7"
		before := s.seen(s.row(s.ctx(), s.db, hint+now))
		for s.seen(direct{}.row(s.ctx(), s.outside, now)) == before {
		}
		if s.seen(s.row(s.ctx(), s.db, hint+now)) == before {
			return "stands"
		}
		return "goes on"
	}},
	{"columns, types, values and NULLs", map[string]string{
		"bare": "the driver's", "querycache": "the driver's, from memory", "by hand": "the driver's, from memory",
	}, func(s *shop) string {
		const q = "SELECT i, r, s, b, d, x FROM kinds ORDER BY n"
		before := s.answer(direct{}.all(s.ctx(), s.outside, q))
		s.answer(s.all(s.ctx(), s.db, hint+q))
		s.exec(s.outside, "DELETE FROM kinds WHERE n = 1")
		after := s.answer(direct{}.all(s.ctx(), s.outside, q))
		switch got := s.answer(s.all(s.ctx(), s.db, hint+q)); {
		case reflect.DeepEqual(got, before):
			return "the driver's, from memory"
		case reflect.DeepEqual(got, after):
			return "the driver's"
		default:
			return fmt.Sprintf("other: %#v, the driver's were %#v", got, before)
		}
	}},
	{"1 and '1' as arguments", map[string]string{
		"bare": "two", "querycache": "two", "by hand": "two",
	}, func(s *shop) string {
		const q = hint + "SELECT typeof(?) FROM goods WHERE id = 7"
		a, b := s.seen(s.row(s.ctx(), s.db, q, 1)), s.seen(s.row(s.ctx(), s.db, q, "1"))
		if a == b {
			return "one"
		}
		return "two"
	}},
	{"a context that has ended", map[string]string{
		"bare": "error", "querycache": "error", "by hand": "answer",
	}, func(s *shop) string {
		const q = hint + "SELECT price FROM goods WHERE id = ?"
		s.seen(s.row(s.ctx(), s.db, q, 7))
		ctx, cancel := context.WithCancel(s.ctx())
		cancel()
		switch _, err := s.row(ctx, s.db, q, 7); {
		case err == nil:
			return "answer"
		case errors.Is(err, context.Canceled):
			return "error"
		default:
			return err.Error()
		}
	}},
}

const schema = `
CREATE TABLE goods (id INTEGER PRIMARY KEY, price INTEGER);
INSERT INTO goods VALUES (7, 100), (8, 200);
CREATE TABLE log (n INTEGER);
CREATE TRIGGER noted AFTER UPDATE ON goods BEGIN INSERT INTO log VALUES (1); END;
CREATE VIEW changes AS SELECT count(*) AS n FROM log;
CREATE TABLE kinds (n INTEGER, i INTEGER, r REAL, s TEXT, b BLOB, d DATETIME, x);
INSERT INTO kinds VALUES
 (1, 9007199254740993, 2.0, 'text', x'00ff', '2026-02-03 04:05:06', 1),
 (2, NULL, NULL, NULL, NULL, NULL, 1.5),
 (3, -1, 0.1, '', x'', '2026-02-03 04:05:06.789+02:00', 'x');`

func sqliteDriver(t testing.TB) driver.Driver {
	connector, err := modernc.NewConnector("")
	if err != nil {
		t.Fatal(err)
	}
	return connector.Driver()
}

func newShop(t *testing.T, w way, base driver.Driver) *shop {
	dsn := filepath.Join(t.TempDir(), "shop.db") + "?_pragma=busy_timeout(10000)"
	s := &shop{t: t, outside: openBare(t, base, dsn)}
	s.exec(s.outside, schema)
	s.db = w.open(t, base, dsn)
	s.reader = w.reads(s.db)
	return s
}

func (s *shop) ctx() context.Context { return s.t.Context() }

func (s *shop) exec(db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, query string) {
	s.t.Helper()
	if _, err := db.ExecContext(s.ctx(), query); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) begun() *sql.Tx {
	s.t.Helper()
	tx, err := s.db.BeginTx(s.ctx(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return tx
}

func (s *shop) seen(v any, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprint(v)
}

func (s *shop) answer(a answer, err error) answer {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// pick puts words for one of two values.
func pick(got, one, oneWords, other, otherWords string) string {
	switch got {
	case one:
		return oneWords
	case other:
		return otherWords
	}
	return "something else: " + got
}

// TestClaims prints what each way does, and fails if that is not what is said of
// it.
func TestClaims(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 3, ' ', 0)
	head := ""
	for _, way := range ways {
		head += "\t" + way.name
	}
	fmt.Fprintln(w, head)
	for _, c := range claims {
		line := c.name
		for _, way := range ways {
			t.Run(c.name+"/"+way.name, func(t *testing.T) {
				got := c.claim(newShop(t, way, sqliteDriver(t)))
				if got != c.want[way.name] {
					t.Errorf("got %q, want %q", got, c.want[way.name])
				}
				line += "\t" + got
			})
		}
		fmt.Fprintln(w, line)
	}
	w.Flush()
	t.Log("\n" + table.String())
}

// TestConcurrentMisses has 20 readers ask the same at the same time.
func TestConcurrentMisses(t *testing.T) {
	const readers = 20
	want := map[string]int{"bare": readers, "querycache": 1, "by hand": readers}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			gate := newGate(sqliteDriver(t), "/* at once */", readers)
			s := newShop(t, way, gate)
			const q = hint + "SELECT price FROM goods WHERE id = ? /* at once */"
			errs := make(chan error, readers)
			for range readers {
				go func() {
					v, err := s.row(s.ctx(), s.db, q, 7)
					if err == nil && fmt.Sprint(v) != "100" {
						err = fmt.Errorf("the price is %v, want 100", v)
					}
					errs <- err
				}()
			}
			for range readers {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			if n := gate.queries(); n != want[way.name] {
				t.Errorf("queries: %d, want %d", n, want[way.name])
			}
			t.Logf("readers: %d, queries: %d", readers, gate.queries())
		})
	}
}
