package pgsql

import (
	"slices"
	"testing"

	"github.com/querycache/querycache/dialect"
)

const declaredSchema = `
CREATE SCHEMA x; CREATE TABLE audit_log (n int); CREATE TABLE x.audit_log (n int);
CREATE TABLE goods (id int PRIMARY KEY); CREATE TABLE lines (good int REFERENCES goods ON DELETE CASCADE);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE t (n int); CREATE TRIGGER a AFTER INSERT ON t EXECUTE FUNCTION audit();
CREATE TABLE both_of (n int); CREATE TRIGGER a AFTER INSERT ON both_of EXECUTE FUNCTION audit(); CREATE TRIGGER b AFTER INSERT ON both_of EXECUTE FUNCTION other();
CREATE TABLE late (n int); CREATE CONSTRAINT TRIGGER a AFTER INSERT ON late DEFERRABLE FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TABLE up (n int); CREATE TRIGGER a AFTER INSERT ON up EXECUTE FUNCTION audit();
CREATE TABLE circle (n int); CREATE FUNCTION circle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON circle EXECUTE FUNCTION circle();
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION over(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION over(int, text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION twin() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION x.twin() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION part_of(int, int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE AGGREGATE sum_of (int) (SFUNC = part_of, STYPE = int);
CREATE FUNCTION lower(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION query_to_xml(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE PROCEDURE run(int) LANGUAGE plpgsql AS 'BEGIN END'; CREATE PROCEDURE walk() LANGUAGE plpgsql AS 'BEGIN END';
CREATE VIEW v AS SELECT f() AS n FROM goods;
CREATE TABLE filled (n int DEFAULT f());
CREATE RULE r AS ON INSERT TO lines DO ALSO SELECT f();
`

func named(schema, name string) dialect.Table { return dialect.Table{Schema: schema, Name: name} }

func TestDeclare(t *testing.T) {
	db := open(t, declaredSchema)
	_, session := db.probe()
	log := []dialect.Table{{Schema: "public", Name: "audit_log"}}
	said := []dialect.Declaration{
		{Function: named("public", "audit"), Tables: log},
		{Function: named("public", "circle"), Tables: []dialect.Table{{Schema: "public", Name: "circle"}}},
		{Function: named("public", "f"), Tables: []dialect.Table{{Schema: "public", Name: "goods"}}},
		{Function: named("public", "over"), Args: "integer,  text", HasArgs: true, Tables: log},
		{Function: named("public", "twin")},
		{Function: named("public", "part_of"), Tables: log},
		{Function: named("public", "lower"), Tables: log},
		{Function: named("public", "query_to_xml")},
		{Function: named("public", "run"), Args: "integer", HasArgs: true, Tables: []dialect.Table{{Name: "audit_log"}}},
		// Not known: a function, a table, arguments, an aggregate.
		{Function: named("public", "nothing")},
		{Function: named("public", "other"), Tables: []dialect.Table{{Schema: "public", Name: "nowhere"}}},
		{Function: named("public", "walk"), Args: "text", HasArgs: true},
		{Function: named("public", "sum_of")},
	}
	before := db.load()
	snap, unknown := before.(dialect.Declarer).Declare(said)
	if want := []int{9, 10, 11, 12}; !slices.Equal(unknown, want) {
		t.Errorf("not known are %v, want %v", unknown, want)
	}
	const trigger, volatile = dialect.ReasonTrigger, dialect.ReasonVolatile
	for _, test := range []struct {
		text, writes string
		everything   dialect.Reason
	}{
		{"INSERT INTO t VALUES (1)", "audit_log t", ""},
		{"INSERT INTO both_of VALUES (1)", "", trigger},
		{"INSERT INTO late VALUES (1)", "audit_log late", ""},
		{"DELETE FROM circle", "circle", ""},
		{"SELECT f()", "goods lines", ""}, // as a DELETE might
		{"SELECT f() FROM t", "goods lines", ""},
		{"SELECT public.f()", "goods lines", ""},
		{"INSERT INTO audit_log SELECT f()", "audit_log goods lines", ""},
		{"SELECT n FROM v", "goods lines", ""},
		{"INSERT INTO lines VALUES (1)", "goods lines", ""},
		{"SELECT over(1)", "", volatile}, // there is another
		{"SELECT over(1, 'x')", "", volatile},
		{"SELECT twin()", "", volatile}, // and another in another schema
		{"SELECT public.twin()", "", ""},
		{"SELECT x.twin()", "", volatile},
		{"SELECT part_of(1, 2)", "audit_log", ""},
		{"SELECT sum_of(1)", "", volatile},
		{"SELECT lower(1)", "audit_log", ""},
		{"SELECT query_to_xml(1)", "", volatile},
		{"SELECT query_to_xml(1), f()", "", volatile},
		{"CALL run(1)", "audit_log", ""},
		{"CALL public.run(1)", "audit_log", ""},
		{"CALL run(f())", "audit_log goods lines", ""},
		{"CALL walk()", "", volatile},
		{"CALL nothing()", "", dialect.ReasonUnknownFunc},
		{"DO 'BEGIN PERFORM f(); END'", "", dialect.ReasonUnanalysed},
		{"INSERT INTO filled VALUES (DEFAULT)", "", dialect.ReasonDefault}, // of which the names are not known
	} {
		want := inPublic(test.writes)
		if test.text == "CALL run(1)" || test.text == "CALL public.run(1)" || test.text == "CALL run(f())" {
			want = append(want, "x.audit_log") // one without schema means all
		}
		st := Dialect{}.Parse(test.text)
		res := snap.Resolve(st, session)
		if !slices.Equal(res.Writes, want) || res.Everything != test.everything {
			t.Errorf("%s: writes %q, everything %q, want %q, %q", test.text, res.Writes, res.Everything, want, test.everything)
		}
		if st.Kind == dialect.Read && res.Refuse == "" {
			t.Errorf("%s: may be cached", test.text)
		}
		// A declaration is no word on the session.
		if plain := before.Resolve(st, session); plain.Taints != res.Taints || plain.Everything == "" {
			t.Errorf("%s: without declarations %+v", test.text, plain)
		}
	}
	// A trigger that runs in COMMIT: what it will write is known.
	conn := connect(t, "pgx", db.dsn)
	conn.exec("BEGIN")
	conn.exec("INSERT INTO late VALUES (1)")
	if w, err := conn.askWrites(snap); err != nil || w.Everything != "" || !slices.Equal(w.Relations, inPublic("audit_log late")) {
		t.Errorf("before the COMMIT of a deferred trigger: %+v, %v", w, err)
	}
}
