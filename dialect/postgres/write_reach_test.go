package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/querycache/querycache"
)

// reachSchema has an object of every kind that a write may set off. Tables with
// rows hold one each, so that writes find something to do.
const reachSchema = `
CREATE TABLE customers (id int PRIMARY KEY, code int UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE items (id int, ord int REFERENCES orders ON DELETE CASCADE);
CREATE TABLE notes (ord int REFERENCES orders ON DELETE SET NULL);
CREATE TABLE marks (ord int DEFAULT NULL REFERENCES orders ON DELETE SET DEFAULT);
CREATE TABLE plain (ord int REFERENCES orders);
CREATE TABLE coded (code int REFERENCES customers (code) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
CREATE TABLE alone (n int);
CREATE TABLE part (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
CREATE TABLE of_part (id int, k int, FOREIGN KEY (id, k) REFERENCES part ON DELETE CASCADE);
CREATE TABLE elder (a int); CREATE TABLE young () INHERITS (elder);
CREATE VIEW alone_v AS SELECT n FROM alone;
CREATE VIEW order_lines AS SELECT o.id, i.id AS item FROM orders o JOIN items i ON i.ord = o.id;
CREATE MATERIALIZED VIEW alone_m AS SELECT n FROM alone;
CREATE TABLE ruled (n int); CREATE TABLE rlog (n int); CREATE TABLE rlog2 (n int);
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO rlog VALUES (NEW.n);
CREATE RULE chain AS ON INSERT TO rlog DO ALSO INSERT INTO rlog2 VALUES (NEW.n);
CREATE RULE instead AS ON DELETE TO ruled DO INSTEAD UPDATE rlog2 SET n = OLD.n;
CREATE TABLE loud (n int); CREATE TABLE hidden (n int); CREATE TABLE hidden2 (n int); CREATE TABLE target (name text);
CREATE FUNCTION dyn() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN
 FOR t IN SELECT name FROM target LOOP EXECUTE format('INSERT INTO %I VALUES (1)', t); END LOOP; RETURN NULL; END $$;
CREATE TRIGGER dyn AFTER INSERT OR DELETE ON loud FOR EACH ROW EXECUTE FUNCTION dyn();
CREATE VIEW loud_v AS SELECT n FROM loud;
CREATE TABLE below (id int REFERENCES tree ON DELETE CASCADE);
CREATE TRIGGER dyn AFTER DELETE ON below FOR EACH ROW EXECUTE FUNCTION dyn();
CREATE TABLE late (n int);
CREATE CONSTRAINT TRIGGER dyn AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dyn();
CREATE TABLE searched (x text, v tsvector);
CREATE TRIGGER v BEFORE INSERT OR UPDATE ON searched FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(v, 'pg_catalog.english', x);
CREATE FUNCTION act() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hidden VALUES (2); RETURN 1; END $$;
CREATE FUNCTION undo() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
 BEGIN INSERT INTO alone VALUES (7); RAISE 'no'; EXCEPTION WHEN OTHERS THEN INSERT INTO hidden VALUES (3); END; RETURN 1; END $$;
CREATE FUNCTION clear() RETURNS int LANGUAGE plpgsql AS $$ BEGIN TRUNCATE hidden; RETURN 1; END $$;
CREATE FUNCTION build() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'CREATE TABLE built_' || pg_current_xact_id() || ' (n int)'; RETURN 1; END $$;
CREATE PROCEDURE run() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hidden2 VALUES (2); END $$;
CREATE TABLE filled (n int DEFAULT act());
INSERT INTO customers VALUES (1, 1), (2, 2); INSERT INTO orders VALUES (1, 1), (2, 2); INSERT INTO items VALUES (1, 1);
INSERT INTO notes VALUES (1); INSERT INTO coded VALUES (1); INSERT INTO tree VALUES (1, 1); INSERT INTO alone VALUES (1);
INSERT INTO part VALUES (1, 1); INSERT INTO of_part VALUES (1, 1); INSERT INTO young VALUES (1); INSERT INTO target VALUES ('hidden');
REFRESH MATERIALIZED VIEW alone_m;
`

var reachTables = strings.Fields(`customers orders items notes marks plain coded tree alone part of_part elder young
 alone_v order_lines alone_m ruled rlog rlog2 loud hidden hidden2 target below late searched filled`)

// A reachTest is a write and the relations whose reads it reaches: those and no
// others come from the database afterwards. "*" is all of them.
type reachTest struct {
	name, write string
	// alone is what is reached outside of a transaction, inTx within one; empty:
	// the same.
	alone, inTx string
}

var reachTests = []reachTest{
	{"insert", "INSERT INTO alone VALUES (1)", "alone alone_v", ""},
	{"cascading delete", "DELETE FROM customers WHERE id = 9", "customers orders items notes marks order_lines", ""},
	{"cascading delete of a row", "DELETE FROM orders WHERE id = 1", "orders items notes marks order_lines", ""},
	{"insert into a parent of keys", "INSERT INTO orders VALUES (3, 2) ON CONFLICT DO NOTHING", "orders order_lines", ""},
	{"cascading update", "UPDATE customers SET code = code + 10", "customers coded", ""},
	{"upsert", "INSERT INTO customers VALUES (2, 2) ON CONFLICT (id) DO UPDATE SET code = 5", "customers coded", ""},
	{"merge", "MERGE INTO alone USING plain ON ord = n WHEN NOT MATCHED THEN INSERT VALUES (1)", "alone alone_v", ""},
	{"writable CTE", "WITH w AS (DELETE FROM items RETURNING id) INSERT INTO alone SELECT id FROM w", "items order_lines alone alone_v", ""},
	{"truncate", "TRUNCATE alone", "alone alone_v", ""},
	{"truncate cascade", "TRUNCATE orders CASCADE", "orders items notes marks plain order_lines", ""},
	{"leaf", "INSERT INTO part_2 VALUES (5, 2) ON CONFLICT DO NOTHING", "part", ""},
	{"delete from a leaf", "DELETE FROM part_1", "part of_part", ""},
	{"update of a root", "UPDATE part SET id = id + 1 WHERE id > 100", "part of_part", ""},
	{"into a child", "INSERT INTO young VALUES (2)", "elder young", ""},
	{"into an elder", "INSERT INTO elder VALUES (2)", "elder", ""},
	{"of an elder", "UPDATE elder SET a = 3", "elder young", ""},
	{"updatable view", "INSERT INTO alone_v VALUES (4)", "alone alone_v", ""},
	{"refresh", "REFRESH MATERIALIZED VIEW alone_m", "alone_m", ""},
	{"rules", "INSERT INTO ruled VALUES (1)", "ruled rlog rlog2", ""},
	{"rule instead", "DELETE FROM ruled", "ruled rlog2", ""},
	{"built-in trigger", "INSERT INTO searched VALUES ('word')", "searched", ""},
	{"no trigger for this", "UPDATE loud SET n = 2", "loud", ""},

	{"trigger", "INSERT INTO loud VALUES (1)", "*", "loud hidden"},
	{"trigger behind a view", "INSERT INTO loud_v VALUES (1)", "*", "loud hidden"},
	{"trigger behind a key", "DELETE FROM tree WHERE id = 9", "*", "tree"},
	{"deferred trigger", "INSERT INTO late VALUES (1)", "*", "*"},
	{"default", "INSERT INTO filled VALUES (DEFAULT)", "*", "filled hidden"},
	{"function", "SELECT act()", "*", "hidden"},
	{"function in a read", "SELECT act() FROM customers", "*", "hidden"},
	{"function in a write", "INSERT INTO rlog2 VALUES (act())", "*", "rlog2 hidden"},
	{"function that undoes", "SELECT undo()", "*", "hidden"},
	{"function that truncates", "SELECT clear()", "*", "*"}, // as if the schema had changed
	{"function that changes the schema", "SELECT build()", "*", "*"},
	{"call", "CALL run()", "*", "hidden2"},
	{"do", "DO $$ BEGIN INSERT INTO hidden2 VALUES (9); PERFORM act(); END $$", "*", "hidden hidden2"},
	{"explain analyze", "EXPLAIN ANALYZE SELECT act()", "*", "hidden"},
}

// reached are the relations that a test names, with their reads.
func reached(names string) []string {
	if names == "*" {
		return reachTables
	}
	return strings.Fields(names)
}

func newReach(t *testing.T, change func(*querycache.Config)) *fixture {
	f := newFixture(t, change)
	f.exec(f.bare, reachSchema)
	f.bare = f.open("pgx", f.dsn+describe)
	return f
}

func TestWriteReach(t *testing.T) {
	newReach(t, nil).reachAll(t, reachTests)
}

// reachAll runs each write alone, in a transaction and in one by text.
func (f *fixture) reachAll(t *testing.T, tests []reachTest) {
	for _, test := range tests {
		inTx := test.alone
		if test.inTx != "" {
			inTx = test.inTx
		}
		for way, want := range map[string]string{"alone": test.alone, "tx": inTx, "text": inTx} {
			t.Run(test.name+"/"+way, func(t *testing.T) {
				f := f.with(t)
				f.warmAll()
				if err := f.run(way, test.write); err != nil {
					t.Fatal(err)
				}
				f.reaches(reached(want))
			})
		}
	}
}

// with returns the fixture for a test of its own, with connections of its own:
// that the schema was changed over one, its server reports for a second.
func (f *fixture) with(t *testing.T) *fixture {
	own := &fixture{T: t, dsn: f.dsn, cache: f.cache, bare: f.bare}
	own.db = own.connect(f.dsn + describe)
	return own
}

func readOf(table string) string { return "SELECT * FROM " + table + " ORDER BY 1" }

func (f *fixture) warmAll() {
	f.Helper()
	for _, table := range reachTables {
		f.warm(f.db, readOf(table))
	}
}

// run runs writes alone, in a transaction of database/sql, or in one by text.
func (f *fixture) run(way string, writes ...string) error {
	f.Helper()
	ctx := f.Context()
	switch way {
	case "alone":
		for _, w := range writes {
			if _, err := f.db.ExecContext(ctx, w); err != nil {
				return err
			}
		}
		return nil
	case "tx":
		tx, err := f.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for _, w := range writes {
			if _, err := tx.ExecContext(ctx, w); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
	return f.text(ctx, writes)
}

func (f *fixture) text(ctx context.Context, writes []string) error {
	conn := f.conn(f.db)
	defer conn.Close()
	for _, w := range slices.Concat([]string{"BEGIN"}, writes, []string{"COMMIT"}) {
		if _, err := conn.ExecContext(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// reaches fails unless the reads of those tables come from the database, all
// others from memory, and all show what the database holds.
func (f *fixture) reaches(tables []string) {
	f.Helper()
	for _, table := range reachTables {
		query := readOf(table)
		got, res := f.read(f.db, query)
		want, err := dump(f.Context(), f.bare, query)
		if err != nil {
			f.Fatal(err)
		}
		if got != want {
			f.Errorf("%s: stale: %s, want %s", table, got, want)
		}
		if should := slices.Contains(tables, table); (res.Source() == querycache.Local) == should {
			f.Errorf("%s: from %v (%s), reached: %v", table, res.Source(), res.Reason(), should)
		}
	}
}
