package pgsql

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

// writeRows are rows of writeSchema for writes to find.
const writeRows = `
INSERT INTO customers SELECT i, i FROM generate_series(0, 9) i; INSERT INTO orders SELECT i, i FROM generate_series(0, 9) i;
INSERT INTO items SELECT i, i FROM generate_series(0, 9) i; INSERT INTO notes SELECT i FROM generate_series(1, 9) i;
INSERT INTO marks SELECT i FROM generate_series(2, 9) i; INSERT INTO plain VALUES (8); INSERT INTO coded VALUES (1), (2); INSERT INTO late VALUES (3);
INSERT INTO tree SELECT i, NULLIF(i, 0) - 1 FROM generate_series(0, 9) i; INSERT INTO alone SELECT i FROM generate_series(0, 9) i;
INSERT INTO part SELECT i % 2, 1 + i / 2 % 2 FROM generate_series(2, 3) i; INSERT INTO part VALUES (1, 1); INSERT INTO of_part VALUES (1, 1), (1, 2);
INSERT INTO split VALUES (4, 1), (5, 1); INSERT INTO parent VALUES (1), (2); INSERT INTO kid VALUES (3); INSERT INTO grandkid VALUES (4);
INSERT INTO rlog2 VALUES (1); INSERT INTO rdone VALUES (1); INSERT INTO ruled VALUES (5); INSERT INTO maybe VALUES (5);
`

// writeTemplates are writes; # is a small number, others than the parts of a
// template with | are chosen from.
var writeTemplates = strings.Split(strings.TrimSpace(`
INSERT INTO customers VALUES (#, #)
INSERT INTO customers VALUES (#, #) ON CONFLICT (id) DO UPDATE SET code = # + 20
UPDATE customers SET code = code + 100 WHERE id = #
UPDATE customers SET id = id + 100 WHERE id = #
DELETE FROM customers WHERE id = #
DELETE FROM orders WHERE id = #
MERGE INTO orders USING alone ON id = n AND n = # WHEN MATCHED THEN DELETE
MERGE INTO customers USING alone ON id = n AND n = # WHEN MATCHED THEN UPDATE SET code = id + 30
WITH w AS (DELETE FROM orders WHERE id = # RETURNING id) INSERT INTO alone SELECT id FROM w
WITH w AS (UPDATE customers SET code = code + 40 WHERE id = # RETURNING id) DELETE FROM tree USING w WHERE up = w.id
TRUNCATE orders CASCADE
TRUNCATE alone
TRUNCATE part_1 CASCADE
UPDATE tree SET up = NULL WHERE id = #
INSERT INTO part VALUES (1#, 2)
INSERT INTO part_2 VALUES (2#, 2)
DELETE FROM part WHERE k = 2
DELETE FROM part_1_1
UPDATE part SET k = 3 - k WHERE id = 1
UPDATE part_2 SET id = id + 50
INSERT INTO split_1 VALUES (#, 1)
INSERT INTO parent VALUES (#)
UPDATE parent SET a = # WHERE a = #
DELETE FROM kid
TRUNCATE kid
INSERT INTO v VALUES (#)
UPDATE vv SET n = # WHERE n = #
DELETE FROM v WHERE n = 8
DELETE FROM ov WHERE id = #
INSERT INTO ruled VALUES (#)
DELETE FROM ruled
UPDATE ruled SET n = #
INSERT INTO rlog VALUES (#)
INSERT INTO self VALUES (#)
INSERT INTO rv VALUES (#)
DELETE FROM rv
INSERT INTO twice VALUES (#)
INSERT INTO maybe VALUES (# - 5)
INSERT INTO counting VALUES (#)
UPDATE ins SET n = #
INSERT INTO upd VALUES (#)
INSERT INTO one_2 VALUES (#, 2)
INSERT INTO calm VALUES ('word #')
UPDATE calm SET x = 'other #'
INSERT INTO fine VALUES (#)
UPDATE fine SET n = n + 1
SELECT * FROM customers
`), "\n")

// Whatever is written in a transaction, what is said of the statements before
// they run holds what the server says of it afterwards.
func TestWriteInvariant(t *testing.T) {
	const transactions = 100
	db := open(t, writeSchema+writeRows)
	_, session := db.probe()
	run := func(snap dialect.Catalog, n int, missing func(texts []string, relation string, known []string)) (asked int) {
		random := rand.New(rand.NewPCG(7, 11))
		for range n {
			var texts, known []string
			opaque := false
			db.exec("BEGIN")
			for range 1 + random.IntN(4) {
				text := writeTemplates[random.IntN(len(writeTemplates))]
				for strings.Contains(text, "#") {
					text = strings.Replace(text, "#", string(rune('0'+random.IntN(10))), 1)
				}
				res := snap.Resolve(Dialect{}.Parse(text), session)
				texts, known = append(texts, text), append(known, res.Writes...)
				opaque = opaque || res.Everything != ""
				db.exec("SAVEPOINT s")
				if _, err := db.ExecContext(t.Context(), text); err != nil {
					db.exec("ROLLBACK TO s") // a key that is there already
				}
			}
			w, err := db.askWrites(snap)
			if err != nil {
				t.Fatal(err)
			}
			db.exec("ROLLBACK")
			if opaque || len(w.Relations) == 0 {
				continue
			}
			asked++
			for _, r := range w.Relations {
				if !slices.Contains(known, r) {
					missing(texts, r, known)
				}
			}
		}
		return asked
	}
	asked := run(db.load(), transactions, func(texts []string, relation string, known []string) {
		t.Errorf("%q: wrote %s, known were %q", texts, relation, known)
	})
	if asked < transactions/2 {
		t.Errorf("%d transactions of %d were compared", asked, transactions)
	}
	// It has to be seen that the test finds what is missing.
	for name, breaks := range map[string]func(*relation){
		"keys":     func(r *relation) { r.keys = nil },
		"rules":    func(r *relation) { r.rules = nil },
		"children": func(r *relation) { r.children = nil },
	} {
		broken := db.load().(*catalog)
		for _, rel := range broken.byOID {
			breaks(rel)
		}
		missed := 0
		run(broken, transactions, func([]string, string, []string) { missed++ })
		if missed == 0 {
			t.Errorf("without %s nothing is missed", name)
		}
	}
}
