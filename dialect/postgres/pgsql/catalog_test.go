package pgsql

import (
	"slices"
	"testing"

	"github.com/querycache/querycache/dialect"
)

const catalogSchema = `
CREATE SCHEMA "operator"; CREATE SCHEMA s; CREATE SEQUENCE seq;
CREATE FUNCTION s.safe(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION s.looks(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT count(*)::int FROM pg_class';
CREATE TABLE t (n int, x text);
CREATE TABLE s.t (n int);
CREATE TABLE "operator".kept (n int);
CREATE TABLE own (id int PRIMARY KEY);
CREATE TABLE pets (owner int REFERENCES own ON UPDATE CASCADE);
CREATE TABLE part (id int) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE TABLE part_1_1 PARTITION OF part_1 FOR VALUES IN (1);
CREATE VIEW v AS SELECT n FROM t;
CREATE VIEW vv AS SELECT v.n FROM v JOIN s.t USING (n);
CREATE VIEW dice AS SELECT n, random() AS r FROM t;
CREATE VIEW me AS SELECT n, current_user AS u FROM t;
CREATE VIEW calls AS SELECT n, s.safe(n), s.looks(n) FROM t;
CREATE MATERIALIZED VIEW m AS SELECT n FROM vv;
CREATE FUNCTION writes(int) RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES ($1) RETURNING n';
CREATE FUNCTION "operator".writes_too(int) RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES ($1) RETURNING n';
CREATE FUNCTION lower(t) RETURNS text LANGUAGE sql STABLE AS 'SELECT max(x) FROM t';
CREATE FUNCTION add_noting(a int, b int) RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES ($2); SELECT $1 + $2';
CREATE FUNCTION add(a int, b int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2';
CREATE AGGREGATE noting_sum (int) (SFUNC = add_noting, STYPE = int, INITCOND = '0');
CREATE AGGREGATE plain_sum (int) (SFUNC = add, STYPE = int, INITCOND = '0');
CREATE FUNCTION of_row(t) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION of_value(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION of_two(t, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION log(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION exp(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE DOMAIN low AS int CHECK (of_value(VALUE) < 10);
CREATE TABLE lows (n low[]);
CREATE TABLE filled (n int DEFAULT of_value(1), at timestamptz DEFAULT now(), id bigint DEFAULT nextval('seq'));
CREATE TABLE calm (n int CHECK (n > 0), at timestamptz DEFAULT now(), id bigint DEFAULT nextval('seq'));
CREATE VIEW low_ones AS SELECT n::low AS n FROM t;
CREATE VIEW catalogued AS SELECT t.n, c.relname FROM t JOIN pg_class c ON c.oid = t.n;
CREATE VIEW moments AS SELECT x::date AS at FROM t;
CREATE OPERATOR <~> (LEFTARG = int, RIGHTARG = int, FUNCTION = add);
CREATE OPERATOR <!> (LEFTARG = int, RIGHTARG = int, FUNCTION = add_noting);
CREATE VIEW sums AS SELECT noting_sum(n) FROM t;
`

func TestCatalog(t *testing.T) {
	db := open(t, catalogSchema)
	snap := db.load()
	_, session := db.probe()
	for _, test := range []struct {
		text       string
		reads      []string
		refuse     dialect.Reason
		writes     []string
		everything dialect.Reason
	}{
		{text: "SELECT n FROM t", reads: []string{"public.t"}},
		{text: "SELECT n FROM s.t", reads: []string{"s.t"}},
		{text: "SELECT n FROM v", reads: []string{"public.t"}},
		{text: "SELECT n FROM vv", reads: []string{"public.t", "s.t"}},
		{text: "SELECT n FROM m", reads: []string{"public.m"}},
		{text: "SELECT id FROM part_1_1", reads: []string{"public.part"}},
		{text: "SELECT id FROM part", reads: []string{"public.part"}},
		{text: `SELECT n FROM "operator".kept`, reads: []string{"operator.kept"}},
		{text: "SELECT * FROM dice", refuse: dialect.ReasonVolatile},
		{text: "SELECT * FROM me", refuse: dialect.ReasonSessionFunc},
		{text: "SELECT * FROM calls", refuse: dialect.ReasonUnknownFunc},
		{text: "SELECT * FROM nowhere", refuse: dialect.ReasonUnknownTable},
		{text: "SELECT s.safe(n) FROM t", reads: []string{"public.t"}},
		{text: "SELECT lower(x) FROM t", refuse: dialect.ReasonUnknownFunc}, // one that shares the name looks at tables
		{text: "SELECT upper(x) FROM t", reads: []string{"public.t"}},
		{text: "SELECT plain_sum(n) FROM t", reads: []string{"public.t"}},
		{text: "SELECT noting_sum(n) FROM t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT writes(n) FROM t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: `SELECT "operator".writes_too(n) FROM t`, refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT n <~> 1 FROM t", reads: []string{"public.t"}},
		{text: "SELECT n <!> 1 FROM t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "UPDATE t SET n = 1", refuse: dialect.ReasonNotRead, writes: []string{"public.t"}},
		{text: "UPDATE v SET n = 1", refuse: dialect.ReasonNotRead, writes: []string{"public.t"}},
		{text: "DELETE FROM own", refuse: dialect.ReasonNotRead, writes: []string{"public.own"}},
		{text: "UPDATE own SET id = 1", refuse: dialect.ReasonNotRead, writes: []string{"public.own", "public.pets"}},
		{text: "INSERT INTO part_1_1 VALUES (1)", refuse: dialect.ReasonNotRead, writes: []string{"public.part"}},
		{text: "INSERT INTO t SELECT writes(1)", refuse: dialect.ReasonNotRead, everything: dialect.ReasonVolatile},
		// Functions that are called without their names, or under others' names.
		{text: "SELECT a.n, a.x, a.of_two, a.of_value FROM t a", reads: []string{"public.t"}},
		{text: "SELECT a.of_row FROM t a", refuse: dialect.ReasonUnknownFunc},
		{text: "SELECT (n).of_value FROM t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT i.of_value FROM t, generate_series(1, n) AS i", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT (at).age FROM calm", refuse: dialect.ReasonClock},
		{text: "SELECT (n).text, (n).name FROM calm", reads: []string{"public.calm"}},
		{text: "SELECT log(n) FROM t", reads: []string{"public.t"}},
		{text: "SELECT exp(n) FROM t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT n::low FROM t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT * FROM low_ones", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT * FROM sums", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile},
		{text: "SELECT * FROM catalogued", refuse: dialect.ReasonSystemTable},
		{text: "SELECT * FROM moments", refuse: dialect.ReasonClock},
		{text: "INSERT INTO lows VALUES ('{1}')", refuse: dialect.ReasonNotRead, everything: dialect.ReasonDefault},
		{text: "INSERT INTO filled VALUES (1)", refuse: dialect.ReasonNotRead, everything: dialect.ReasonDefault},
		{text: "DELETE FROM filled", refuse: dialect.ReasonNotRead, writes: []string{"public.filled"}},
		{text: "INSERT INTO calm VALUES (1)", refuse: dialect.ReasonNotRead, writes: []string{"public.calm"}},
		// A text that changes what its names mean.
		{text: "SET search_path = s; UPDATE t SET n = 1", refuse: dialect.ReasonMulti, everything: dialect.ReasonSessionChange},
		{text: "SELECT s.looks(1); UPDATE t SET n = 1", refuse: dialect.ReasonMulti, everything: dialect.ReasonSessionChange},
		{text: "SET search_path = s; SELECT 1", refuse: dialect.ReasonMulti},
		{text: "SET work_mem = '1MB'; UPDATE t SET n = 1", refuse: dialect.ReasonMulti, writes: []string{"public.t"}},
		// What only the server understands.
		{text: "SELECT n OR FROM t", refuse: dialect.ReasonUnparsable, everything: dialect.ReasonUnparsable}, // t.f or an operator may write
		{text: "SELECT n OR FROM writes(1)", refuse: dialect.ReasonUnparsable, everything: dialect.ReasonUnparsable},
		{text: "DROP TABLE t", refuse: dialect.ReasonNotRead, everything: dialect.ReasonSchemaChange},
	} {
		res := snap.Resolve(Dialect{}.Parse(test.text), session)
		if res.Refuse != test.refuse || res.Refuse == "" && !slices.Equal(res.Reads, test.reads) {
			t.Errorf("%s: reads %q, refused %q, want %q, %q", test.text, res.Reads, res.Refuse, test.reads, test.refuse)
		}
		if !slices.Equal(res.Writes, test.writes) || res.Everything != test.everything {
			t.Errorf("%s: writes %q, everything %q, want %q, %q", test.text, res.Writes, res.Everything, test.writes, test.everything)
		}
	}

	// Who may change the session.
	for text, want := range map[string]bool{
		"SELECT n FROM t": false, "SELECT lower(x) FROM t": true, "SELECT s.safe(n) FROM t": false, "SELECT s.looks(n) FROM t": true, "SELECT * FROM calls": true,
		"INSERT INTO calm VALUES (1)": false, "INSERT INTO filled VALUES (1)": true, "UPDATE own SET id = 1": false,
		"EXPLAIN SELECT s.looks(1)": false, "EXPLAIN ANALYZE SELECT s.looks(1)": true, "EXPLAIN ANALYZE SELECT * FROM calls": true,
	} {
		if got := snap.Resolve(Dialect{}.Parse(text), session).Taints; got != want {
			t.Errorf("%s: taints is %v, want %v", text, got, want)
		}
	}

	// What no statement names may stand behind every expression.
	db.exec(`CREATE TYPE box_of AS (n int); CREATE FUNCTION unbox(box_of) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT ($1).n';
CREATE CAST (box_of AS int) WITH FUNCTION unbox(box_of) AS IMPLICIT`)
	if res := db.load().Resolve(Dialect{}.Parse("SELECT n FROM t"), session); res.Refuse != dialect.ReasonUnknownFunc {
		t.Errorf("with a volatile cast: refused %q, want %q", res.Refuse, dialect.ReasonUnknownFunc)
	}
}

// A user names relations with and without their schema.
func TestTags(t *testing.T) {
	db := open(t, catalogSchema)
	snap := db.load()
	_, session := db.probe()
	for _, test := range []struct {
		name    dialect.Table
		session dialect.Session
		want    []string
	}{
		{dialect.Table{Name: "t"}, session, []string{"public.t"}},
		{dialect.Table{Schema: "s", Name: "t"}, session, []string{"s.t"}},
		{dialect.Table{Name: "vv"}, session, []string{"public.t", "s.t"}},
		{dialect.Table{Name: "t"}, dialect.Session{}, []string{"public.t", "s.t"}},
		{dialect.Table{Name: "part_1_1"}, dialect.Session{}, []string{"public.part"}},
		{dialect.Table{Name: "pg_class"}, session, nil},
		{dialect.Table{Name: "nowhere"}, session, nil},
	} {
		got, ok := snap.Tags(test.name, test.session)
		if ok != (test.want != nil) || ok && !slices.Equal(got, test.want) {
			t.Errorf("%v: %q, %v, want %q", test.name, got, ok, test.want)
		}
	}
}
