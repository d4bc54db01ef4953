package postgres_test

import (
	"testing"

	"github.com/querycache/querycache"
)

// unseenSchema has ways to write that no name in a statement tells of: rules that
// do not apply where they seem to, and functions that are called unseen. All of
// them change seen, or the table behind.
const unseenSchema = `
CREATE TABLE seen (n int); INSERT INTO seen VALUES (0);
CREATE FUNCTION act() RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE seen SET n = n + 1; RETURN 1; END $$;
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE seen SET n = n + 1; RETURN NEW; END $$;
CREATE TABLE one (n int); INSERT INTO one VALUES (1);
-- Rules.
CREATE TABLE up (id int PRIMARY KEY); CREATE TABLE down (up int REFERENCES up ON DELETE CASCADE);
CREATE RULE no AS ON DELETE TO up DO INSTEAD NOTHING; ALTER TABLE up ENABLE REPLICA RULE no;
INSERT INTO up SELECT generate_series(1, 9); INSERT INTO down SELECT id FROM up;
CREATE TABLE elder (a int); CREATE TABLE mid () INHERITS (elder); CREATE TABLE young () INHERITS (mid);
CREATE RULE no AS ON UPDATE TO mid DO INSTEAD NOTHING; INSERT INTO young VALUES (1);
CREATE TABLE fox (PRIMARY KEY (a)) INHERITS (elder); CREATE TABLE grand (a int REFERENCES fox ON UPDATE CASCADE);
CREATE RULE no AS ON UPDATE TO fox DO INSTEAD NOTHING; INSERT INTO fox VALUES (10); INSERT INTO grand VALUES (10);
CREATE TABLE quals (n int);
CREATE RULE also AS ON INSERT TO quals WHERE query_to_xml('SELECT act()', true, true, '') IS NOT NULL DO ALSO INSERT INTO one VALUES (NEW.n);
-- Functions.
CREATE FUNCTION calm(int DEFAULT act()) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION body(int DEFAULT act()) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1;
CREATE VIEW calm_v AS SELECT calm() AS n FROM one;
CREATE TABLE calm_d (n int, m int DEFAULT calm());
CREATE TABLE filled (n int, x xml DEFAULT query_to_xml('SELECT act()', true, true, ''));
CREATE TABLE checked (n int CHECK (query_to_xml('SELECT act()', true, true, '') IS NOT NULL));
CREATE TABLE asked (n int); INSERT INTO asked VALUES (1);
CREATE TRIGGER w BEFORE UPDATE ON asked FOR EACH ROW WHEN (query_to_xml('SELECT act()', true, true, '') IS NOT NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE DOMAIN inner_d AS int CHECK (act() > 0); CREATE DOMAIN outer_d AS inner_d; CREATE TYPE pair AS (a outer_d, b int);
CREATE TABLE pairs (n int, x pair[]);
CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE moods (m mood); INSERT INTO moods VALUES ('a'); CREATE TABLE said (n int, x text);
CREATE FUNCTION say(mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN UPDATE seen SET n = n + 1; RETURN 'm'; END $$;
CREATE CAST (mood AS text) WITH FUNCTION say(mood) AS ASSIGNMENT;
-- Views, deferred triggers, procedures.
CREATE VIEW v AS SELECT n FROM one WHERE n >= 0; CREATE VIEW vv AS SELECT n FROM v WITH CASCADED CHECK OPTION;
CREATE TABLE late (n int); CREATE CONSTRAINT TRIGGER r AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fire();
CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN UPDATE seen SET n = n + 1; COMMIT; PERFORM act(); ROLLBACK; END $$;
`

var unseenReads = []string{"seen", "one", "down", "mid", "young", "grand"}

func TestWriteUnseen(t *testing.T) {
	// Without samples: they would find the fault, for the next time.
	f := newFixture(t, func(c *querycache.Config) { c.SampleWrites = 0 })
	f.exec(f.bare, unseenSchema)
	f.exec(f.db, "CREATE TABLE nothing (n int)") // that the catalog is read again
	for _, test := range []struct {
		name    string
		changes string // what has to be seen
		alone   bool   // not within a transaction
		within  bool   // not outside of one
		texts   []string
	}{
		{name: "rule for replicas", changes: "down", texts: []string{"DELETE FROM up WHERE id = (SELECT min(id) FROM up)"}},
		{name: "rule of a child", changes: "young", texts: []string{"UPDATE elder SET a = a + 1"}},
		{name: "key of a child with a rule", changes: "grand", texts: []string{"UPDATE elder SET a = a + 1"}},
		{name: "condition of a rule", changes: "seen", texts: []string{"INSERT INTO quals VALUES (1)"}},
		{name: "default of an argument", changes: "seen", texts: []string{"SELECT calm() FROM one"}},
		{name: "default of an argument, with a body", changes: "seen", texts: []string{"SELECT body() FROM one"}},
		{name: "default of an argument, in a view", changes: "seen", texts: []string{"SELECT * FROM calm_v"}},
		{name: "default of an argument, in a default", changes: "seen", texts: []string{"INSERT INTO calm_d VALUES (1)"}},
		{name: "text in a default", changes: "seen", texts: []string{"INSERT INTO filled VALUES (1)"}},
		{name: "text in a check", changes: "seen", texts: []string{"INSERT INTO checked VALUES (1)"}},
		{name: "text in WHEN", changes: "seen", texts: []string{"UPDATE asked SET n = n + 1"}},
		{name: "domains in rows in arrays", changes: "seen", texts: []string{"INSERT INTO pairs VALUES (1, '{\"(1,2)\"}')"}},
		{name: "assignment cast", changes: "seen", texts: []string{"INSERT INTO said SELECT 1, m FROM moods"}},
		{name: "views over views", changes: "one", texts: []string{"INSERT INTO vv VALUES (7)"}},
		{name: "deferred trigger", changes: "seen", texts: []string{"INSERT INTO late VALUES (7)"}},
		{name: "deferred trigger, now", changes: "seen", within: true, texts: []string{"INSERT INTO late VALUES (7)", "SET CONSTRAINTS ALL IMMEDIATE"}},
		{name: "cursor", changes: "seen", within: true, texts: []string{"DECLARE c CURSOR FOR SELECT act()", "FETCH ALL FROM c"}},
		{name: "cursor that outlives it", changes: "seen", within: true, texts: []string{"DECLARE h CURSOR WITH HOLD FOR SELECT act()"}},
		{name: "temporary table", changes: "seen", texts: []string{"CREATE TEMP TABLE x AS SELECT act()"}},
		{name: "argument of what is explained", changes: "seen", texts: []string{"PREPARE e (int) AS SELECT n FROM one WHERE n = $1", "EXPLAIN EXECUTE e(act())", "DEALLOCATE e"}},
		{name: "argument of what would make a table", changes: "seen", texts: []string{"PREPARE e (int) AS SELECT n FROM one WHERE n = $1", "EXPLAIN CREATE TABLE x AS EXECUTE e(act())", "DEALLOCATE e"}},
		{name: "temporary table of what was prepared", changes: "seen", texts: []string{"PREPARE e AS SELECT act()", "CREATE TEMP TABLE x AS EXECUTE e"}},
		{name: "procedure that commits", changes: "seen", alone: true, texts: []string{"CALL steps()"}},
		{name: "undone in part", changes: "one", within: true, texts: []string{"SAVEPOINT a", "INSERT INTO one VALUES (2)", "RELEASE a", "SAVEPOINT b", "SELECT act()", "ROLLBACK TO b"}},
	} {
		for _, way := range []string{"alone", "tx"} {
			if test.alone && way != "alone" || test.within && way == "alone" {
				continue
			}
			t.Run(test.name+"/"+way, func(t *testing.T) {
				f.cache.InvalidateAll(t.Context())
				writing, reading := f.with(t), f.with(t)
				writing.db.SetMaxOpenConns(1)
				before := ""
				for _, table := range unseenReads {
					if got := reading.warm(reading.db, readOf(table)); table == test.changes {
						before = got
					}
				}
				if err := writing.run(way, test.texts...); err != nil {
					t.Fatal(err)
				}
				if after, err := dump(t.Context(), f.bare, readOf(test.changes)); err != nil || after == before {
					t.Fatalf("%s was not written: %v", test.changes, err)
				}
				for _, table := range unseenReads {
					reading.fresh(table)
				}
			})
		}
	}
}

// Where comparing values writes, any read may, and none is kept.
func TestComparisonsThatWrite(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.SampleWrites = 0 })
	f.warm(f.db, other)
	f.exec(f.db, `CREATE FUNCTION compares(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE public.other SET n = n + 1; RETURN $1 - $2; END $$;
CREATE OPERATOR CLASS noisy FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compares(int, int);
CREATE TABLE sorted (n int); INSERT INTO sorted SELECT generate_series(1, 9); CREATE INDEX ON sorted (n noisy)`)
	for range 3 {
		f.exec(f.db, "INSERT INTO sorted VALUES (5)")
		f.fresh("other")
		if got, res := f.read(f.db, other); res.Source() != querycache.Database || res.Reason() == "" {
			t.Errorf("%q from %v, %q", got, res.Source(), res.Reason())
		}
	}
}
