package pgsql

import (
	"slices"
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

// writeSchema has every kind of object that a write may set off.
const writeSchema = `
CREATE SCHEMA x;
-- Foreign keys: a chain, and each of the actions.
CREATE TABLE customers (id int PRIMARY KEY, code int UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE items (id int, ord int REFERENCES orders ON DELETE CASCADE);
CREATE TABLE notes (ord int DEFAULT 0 REFERENCES orders ON DELETE SET NULL);
CREATE TABLE marks (ord int DEFAULT 1 REFERENCES orders ON DELETE SET DEFAULT);
CREATE TABLE plain (ord int REFERENCES orders);
CREATE TABLE coded (code int REFERENCES customers (code) ON UPDATE CASCADE);
CREATE TABLE late (code int REFERENCES customers (code) ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
CREATE TABLE alone (n int);
-- Partitions and inheritance.
CREATE TABLE part (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE TABLE part_1_1 PARTITION OF part_1 FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
CREATE TABLE of_part (id int, k int, FOREIGN KEY (id, k) REFERENCES part ON DELETE CASCADE);
CREATE TABLE split (id int REFERENCES customers ON DELETE CASCADE, k int) PARTITION BY LIST (k);
CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1);
CREATE TABLE parent (a int); CREATE TABLE kid () INHERITS (parent); CREATE TABLE grandkid () INHERITS (kid);
-- Views.
CREATE VIEW v AS SELECT n FROM alone WHERE n IN (SELECT ord FROM plain);
CREATE VIEW vv AS SELECT n FROM v WHERE n > 1;
CREATE VIEW ov AS SELECT id, customer FROM orders;
CREATE VIEW joined AS SELECT o.id, a.n FROM orders o JOIN alone a ON a.n = o.id;
CREATE VIEW nothing AS SELECT 1 AS n;
CREATE MATERIALIZED VIEW m AS SELECT n FROM alone;
-- Rules.
CREATE TABLE ruled (n int); CREATE TABLE rlog (n int); CREATE TABLE rlog2 (n int); CREATE TABLE rdone (n int);
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO rlog VALUES (NEW.n);
CREATE RULE chain AS ON INSERT TO rlog DO ALSO INSERT INTO rlog2 VALUES (NEW.n);
CREATE RULE instead AS ON DELETE TO ruled DO INSTEAD UPDATE rdone SET n = OLD.n;
CREATE RULE off AS ON UPDATE TO ruled DO ALSO DELETE FROM customers; ALTER TABLE ruled DISABLE RULE off;
CREATE TABLE self (n int); CREATE RULE self AS ON INSERT TO self DO ALSO DELETE FROM self WHERE n < 0;
CREATE VIEW rv AS SELECT n FROM alone; CREATE RULE rv AS ON INSERT TO rv DO INSTEAD INSERT INTO rdone VALUES (NEW.n);
CREATE RULE rvd AS ON DELETE TO rv DO INSTEAD NOTHING;
CREATE RULE rvu AS ON UPDATE TO rv DO INSTEAD NOTHING;
CREATE TABLE maybe (n int); CREATE RULE maybe AS ON INSERT TO maybe WHERE NEW.n < 0 DO INSTEAD INSERT INTO rdone VALUES (NEW.n);
CREATE FUNCTION act(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM alone; RETURN 1; END';
CREATE TABLE calling (n int); CREATE RULE calling AS ON INSERT TO calling DO ALSO SELECT act(NEW.n);
CREATE SEQUENCE seq; CREATE TABLE counting (n int);
CREATE RULE counting AS ON INSERT TO counting DO ALSO INSERT INTO rdone VALUES (nextval('seq') + NEW.n);
CREATE VIEW twice AS SELECT n FROM alone; CREATE RULE twice AS ON INSERT TO twice DO INSTEAD
 (INSERT INTO rdone VALUES (NEW.n); INSERT INTO rlog2 VALUES (NEW.n));
CREATE TABLE setting (n int); CREATE RULE setting AS ON INSERT TO setting DO ALSO SELECT set_config('a.b', 'x', false);
CREATE TABLE running (n int); CREATE RULE running AS ON INSERT TO running DO ALSO SELECT query_to_xml('SELECT act(1)', true, true, '');
CREATE TABLE bulk (id int, k int) PARTITION BY LIST (k); CREATE TABLE bulk_1 PARTITION OF bulk FOR VALUES IN (1);
CREATE RULE bulk AS ON INSERT TO bulk DO INSTEAD NOTHING;
CREATE TABLE replicated (id int PRIMARY KEY); CREATE TABLE of_replicated (id int REFERENCES replicated ON DELETE CASCADE);
CREATE RULE no AS ON DELETE TO replicated DO INSTEAD NOTHING; ALTER TABLE replicated ENABLE REPLICA RULE no;
CREATE TABLE a1 (n int); CREATE TABLE a2 () INHERITS (a1); CREATE TABLE a3 () INHERITS (a2); CREATE RULE no AS ON DELETE TO a2 DO INSTEAD NOTHING;
-- Triggers.
CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE ins (n int); CREATE TRIGGER a BEFORE INSERT ON ins FOR EACH ROW EXECUTE FUNCTION fires();
CREATE TABLE upd (n int, m int); CREATE TRIGGER a AFTER UPDATE OF n ON upd FOR EACH STATEMENT EXECUTE FUNCTION fires();
CREATE TRIGGER a BEFORE INSERT ON bulk_1 FOR EACH ROW EXECUTE FUNCTION fires();
CREATE TABLE del (n int); CREATE TRIGGER a AFTER DELETE ON del EXECUTE FUNCTION fires();
CREATE TABLE tru (n int); CREATE TRIGGER a AFTER TRUNCATE ON tru EXECUTE FUNCTION fires();
CREATE TABLE offs (n int); CREATE TRIGGER a AFTER INSERT ON offs EXECUTE FUNCTION fires(); ALTER TABLE offs DISABLE TRIGGER a;
CREATE TABLE always (n int); CREATE TRIGGER a AFTER INSERT ON always EXECUTE FUNCTION fires(); ALTER TABLE always ENABLE REPLICA TRIGGER a;
CREATE TABLE deep (up int REFERENCES tree ON DELETE CASCADE); CREATE TRIGGER a AFTER DELETE ON deep EXECUTE FUNCTION fires();
CREATE TABLE rows (id int, k int) PARTITION BY LIST (k); CREATE TABLE rows_1 PARTITION OF rows FOR VALUES IN (1);
CREATE TRIGGER a AFTER INSERT ON rows FOR EACH ROW EXECUTE FUNCTION fires();
CREATE TABLE one (id int, k int) PARTITION BY LIST (k); CREATE TABLE one_1 PARTITION OF one FOR VALUES IN (1);
CREATE TABLE one_2 PARTITION OF one FOR VALUES IN (2); CREATE TRIGGER a AFTER INSERT ON one_1 EXECUTE FUNCTION fires();
CREATE VIEW tv AS SELECT n FROM alone; CREATE TRIGGER a INSTEAD OF INSERT ON tv FOR EACH ROW EXECUTE FUNCTION fires();
CREATE TABLE calm (x text, v tsvector);
CREATE TRIGGER a BEFORE INSERT OR UPDATE ON calm FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(v, 'pg_catalog.english', x);
CREATE TRIGGER b BEFORE UPDATE ON calm FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE iffy (n int);
CREATE FUNCTION judge(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN DELETE FROM alone; RETURN true; END';
CREATE TRIGGER a BEFORE UPDATE ON iffy FOR EACH ROW WHEN (judge(NEW.n)) EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE fine (n int);
CREATE TRIGGER a BEFORE UPDATE ON fine FOR EACH ROW WHEN (NEW.n > 1 AND lower('X') = 'x') EXECUTE FUNCTION suppress_redundant_updates_trigger();
`

func TestWriteClosure(t *testing.T) {
	db := open(t, writeSchema)
	snap := db.load()
	_, session := db.probe()
	const trigger, rule = dialect.ReasonTrigger, dialect.ReasonRule
	for _, test := range []struct {
		text       string
		writes     string // in public, but for the first of those that are not
		everything dialect.Reason
	}{
		{"INSERT INTO customers VALUES (1)", "customers", ""},
		{"UPDATE customers SET code = 1", "coded customers late", ""},
		{"DELETE FROM customers", "customers items marks notes orders split", ""},
		{"DELETE FROM orders", "items marks notes orders", ""},
		{"UPDATE orders SET id = 1", "orders", ""},
		{"DELETE FROM items", "items", ""},
		{"DELETE FROM tree", "", trigger}, // by deep
		{"UPDATE tree SET id = 1", "tree", ""},
		{"INSERT INTO customers VALUES (1) ON CONFLICT (id) DO UPDATE SET code = 1", "coded customers late", ""},
		{"INSERT INTO customers VALUES (1) ON CONFLICT DO NOTHING", "customers", ""},
		{"MERGE INTO customers USING alone ON id = n WHEN NOT MATCHED THEN INSERT VALUES (n)", "customers", ""},
		{"MERGE INTO customers USING alone ON id = n WHEN MATCHED THEN UPDATE SET code = n", "coded customers late", ""},
		{"MERGE INTO orders USING alone ON id = n WHEN MATCHED AND n > 1 THEN DELETE WHEN MATCHED THEN DO NOTHING", "items marks notes orders", ""},
		{"WITH w AS (DELETE FROM orders RETURNING id) INSERT INTO alone SELECT id FROM w", "alone items marks notes orders", ""},
		{"WITH w AS (DELETE FROM orders RETURNING id) SELECT id FROM w", "items marks notes orders", ""},
		{"COPY customers FROM STDIN", "customers", ""},
		{"TRUNCATE alone", "alone", ""},
		{"TRUNCATE customers CASCADE", "coded customers items late marks notes orders plain split", ""},
		{"TRUNCATE customers, coded", "coded customers", ""},
		{"TRUNCATE alone CASCADE", "alone", ""},
		{"TRUNCATE parent", "grandkid kid parent", ""},

		{"INSERT INTO part VALUES (1, 1)", "part", ""},
		{"INSERT INTO part_1_1 VALUES (1, 1)", "part", ""},
		{"DELETE FROM part_1_1", "of_part part", ""},
		{"UPDATE part SET id = 1", "of_part part", ""}, // a row may move
		{"UPDATE part_2 SET id = 1", "part", ""},
		{"TRUNCATE part_1 CASCADE", "of_part part", ""},
		{"INSERT INTO split_1 VALUES (1, 1)", "split", ""},
		{"INSERT INTO parent VALUES (1)", "parent", ""},
		{"UPDATE parent SET a = 1", "grandkid kid parent", ""},
		{"UPDATE kid SET a = 1", "grandkid kid", ""},

		{"UPDATE v SET n = 1", "alone plain", ""}, // its queries are not told apart
		{"UPDATE vv SET n = 1", "alone plain", ""},
		{"DELETE FROM ov", "items marks notes orders", ""},
		{"INSERT INTO ov VALUES (1)", "orders", ""},
		{"DELETE FROM nothing", "", dialect.ReasonNotWritable},
		{"REFRESH MATERIALIZED VIEW m", "m", ""},

		{"INSERT INTO ruled VALUES (1)", "rlog rlog2 ruled", ""},
		{"UPDATE ruled SET n = 1", "ruled", ""},
		{"DELETE FROM ruled", "rdone ruled", ""},
		{"INSERT INTO rlog VALUES (1)", "rlog rlog2", ""},
		{"INSERT INTO self VALUES (1)", "self", ""},
		{"INSERT INTO rv VALUES (1)", "rdone", ""},
		{"DELETE FROM rv", "", ""},
		{"INSERT INTO twice VALUES (1)", "alone rdone rlog2", ""}, // it might write itself
		{"INSERT INTO maybe VALUES (1)", "maybe rdone", ""},
		{"INSERT INTO calling VALUES (1)", "", rule},
		{"DELETE FROM calling", "calling", ""},
		{"INSERT INTO counting VALUES (1)", "counting rdone", ""},
		{"INSERT INTO bulk VALUES (1, 1)", "bulk", ""},
		{"COPY bulk FROM STDIN", "", trigger}, // past the rule
		{"COPY ruled FROM STDIN", "ruled", ""},
		{"DELETE FROM replicated", "of_replicated replicated", ""},
		{"DELETE FROM a1", "a1 a2 a3", ""}, // no rule of a child is asked
		{"DELETE FROM a2", "a2", ""},

		{"INSERT INTO setting VALUES (1)", "setting", ""},
		{"INSERT INTO running VALUES (1)", "", rule},

		{"INSERT INTO ins VALUES (1)", "", trigger},
		{"UPDATE ins SET n = 1", "ins", ""},
		{"DELETE FROM ins", "ins", ""},
		{"TRUNCATE ins", "ins", ""},
		{"UPDATE upd SET n = 1", "", trigger},
		{"INSERT INTO upd VALUES (1)", "upd", ""},
		{"INSERT INTO upd VALUES (1) ON CONFLICT DO NOTHING", "upd", ""},
		{"MERGE INTO upd USING alone a ON a.n = upd.n WHEN MATCHED THEN UPDATE SET m = 1", "", trigger},
		{"DELETE FROM del", "", trigger},
		{"TRUNCATE tru", "", trigger},
		{"DELETE FROM tru", "tru", ""},
		{"INSERT INTO offs VALUES (1)", "offs", ""},
		{"INSERT INTO always VALUES (1)", "", trigger},
		{"INSERT INTO rows VALUES (1, 1)", "", trigger},
		{"INSERT INTO rows_1 VALUES (1, 1)", "", trigger},
		{"DELETE FROM rows", "rows", ""},
		{"INSERT INTO one VALUES (1, 2)", "", trigger},
		{"INSERT INTO one_2 VALUES (1, 2)", "one", ""},
		{"INSERT INTO tv VALUES (1)", "", trigger},
		{"DELETE FROM tv", "alone", ""},
		{"INSERT INTO calm VALUES ('x')", "calm", ""},
		{"UPDATE calm SET x = 'y'", "calm", ""},
		{"UPDATE iffy SET n = 1", "", trigger},
		{"UPDATE fine SET n = 1", "fine", ""},
		{"INSERT INTO nowhere VALUES (1)", "", dialect.ReasonUnknownTable},
		{"UPDATE pg_class SET relname = ''", "", dialect.ReasonSystemTable},
	} {
		st := Dialect{}.Parse(test.text)
		if st.Kind != dialect.Write {
			t.Errorf("%s: is %v", test.text, st.Kind)
			continue
		}
		res := snap.Resolve(st, session)
		if want := inPublic(test.writes); !slices.Equal(res.Writes, want) || res.Everything != test.everything {
			t.Errorf("%s: writes %q, everything %q, want %q, %q", test.text, res.Writes, res.Everything, want, test.everything)
		}
	}
}

// What a write sets off may change the session; what is only followed does not.
func TestWriteTaints(t *testing.T) {
	db := open(t, writeSchema)
	snap := db.load()
	_, session := db.probe()
	for text, want := range map[string]bool{
		"DELETE FROM customers": false, "INSERT INTO ruled VALUES (1)": false, "INSERT INTO setting VALUES (1)": true,
		"INSERT INTO running VALUES (1)": true, "INSERT INTO calling VALUES (1)": true, "INSERT INTO ins VALUES (1)": true,
		"INSERT INTO calm VALUES ('x')": false, "DELETE FROM tree": true, "TRUNCATE customers CASCADE": false,
	} {
		if got := snap.Resolve(Dialect{}.Parse(text), session).Taints; got != want {
			t.Errorf("%s: taints is %v, want %v", text, got, want)
		}
	}
}

func inPublic(names string) (tags []string) {
	for name := range strings.FieldsSeq(names) {
		tags = append(tags, "public."+name)
	}
	return tags
}
