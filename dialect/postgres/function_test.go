package postgres_test

import (
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

// Functions write wherever they are called, whatever they are named, and also
// where no statement names them.
func TestFunctionsThatWrite(t *testing.T) {
	const note = `CREATE FUNCTION note(i int) RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO public.lines VALUES (''x'') RETURNING 1';`
	for name, test := range map[string]struct{ setup, step string }{
		"default":            {note + `CREATE TABLE noted (n int, m int DEFAULT note(1))`, "INSERT INTO noted VALUES (1)"},
		"check":              {note + `CREATE TABLE noted (n int CHECK (note(n) = 1))`, "INSERT INTO noted VALUES (1)"},
		"default of a type":  {note + `CREATE DOMAIN noting AS int DEFAULT note(1); CREATE TABLE noted (n int, m noting)`, "INSERT INTO noted (n) VALUES (1)"},
		"check of a type":    {note + `CREATE DOMAIN noting AS int CHECK (note(VALUE) = 1)`, "SELECT n::noting FROM other"},
		"check in a row":     {note + `CREATE DOMAIN noting AS int CHECK (note(VALUE) = 1); CREATE TYPE wide AS (n noting)`, "SELECT '(1)'::wide FROM other"},
		"check in a view":    {note + `CREATE DOMAIN noting AS int CHECK (note(VALUE) = 1); CREATE VIEW noted AS SELECT n::noting AS n FROM other`, "SELECT * FROM noted"},
		"named log":          {`CREATE FUNCTION log(m text) RETURNS void LANGUAGE sql VOLATILE AS 'INSERT INTO lines VALUES (m)'`, "SELECT log('x'::text)"},
		"named count":        {`CREATE FUNCTION count(m text) RETURNS void LANGUAGE sql VOLATILE AS 'INSERT INTO lines VALUES (m)'`, "SELECT count('x'::text)"},
		"view":               {note + `CREATE VIEW noted AS SELECT n, note(n) AS m FROM other`, "SELECT * FROM noted"},
		"view in a view":     {note + `CREATE VIEW noted AS SELECT n, note(n) AS m FROM other; CREATE VIEW nested AS SELECT m FROM noted`, "SELECT * FROM nested"},
		"view, written":      {note + `CREATE VIEW noted AS SELECT n FROM other WHERE note(n) = 1`, "UPDATE noted SET n = n"},
		"view, copied":       {note + `CREATE VIEW noted AS SELECT n, note(n) AS m FROM other`, "COPY (SELECT * FROM noted) TO '/dev/null'"},
		"view, explained":    {note + `CREATE VIEW noted AS SELECT n, note(n) AS m FROM other`, "EXPLAIN ANALYZE SELECT * FROM noted"},
		"view, stored":       {note + `CREATE MATERIALIZED VIEW noted AS SELECT n, note(n) AS m FROM other`, "REFRESH MATERIALIZED VIEW noted"},
		"aggregate in view":  {`CREATE FUNCTION step(s int, i int) RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO public.lines VALUES (''x'') RETURNING 1'; CREATE AGGREGATE noting (int) (SFUNC = step, STYPE = int, INITCOND = '0'); CREATE VIEW noted AS SELECT noting(n) FROM other`, "SELECT * FROM noted"},
		"like a column":      {`CREATE FUNCTION note(o other) RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO public.lines VALUES (''x'') RETURNING 1'`, "SELECT o.note FROM other o"},
		"like a field":       {note, "SELECT (n).note FROM other"},
		"like a field, FROM": {note, "SELECT i.note FROM generate_series(1, 2) AS i"},
		"operator":           {`CREATE FUNCTION note(a int, b int) RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO public.lines VALUES (''x'') RETURNING 1'; CREATE OPERATOR @#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = note)`, "SELECT n @#@ 1 FROM other"},
		"cast":               {`CREATE TYPE who AS (name text); CREATE FUNCTION who_of(i int) RETURNS who LANGUAGE sql VOLATILE AS 'INSERT INTO lines VALUES (''x'') RETURNING ROW(msg)::who'; CREATE CAST (int AS who) WITH FUNCTION who_of(int)`, "SELECT n::who::text FROM other"},
		"policy":             {note + `CREATE POLICY noting ON secret USING (note(n) = 1)`, "SELECT * FROM secret"},
		"text of a query":    {note, "SELECT query_to_xml('SELECT note(1)', true, true, '')"},
		"text of a search":   {`CREATE FUNCTION note(i int) RETURNS tsvector LANGUAGE sql VOLATILE AS 'INSERT INTO lines VALUES (''x'') RETURNING ''x''::tsvector'`, "SELECT * FROM ts_stat('SELECT note(1)')"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.exec(f.bare, "CREATE TABLE lines (msg text); "+test.setup)
			db := f.db
			if name == "policy" {
				f.exec(f.bare, "CREATE ROLE "+role(t)+" LOGIN")
				defer f.exec(f.bare, "DROP OWNED BY "+role(t)+"; DROP ROLE "+role(t))
				f.exec(f.bare, "GRANT ALL ON ALL TABLES IN SCHEMA public TO "+role(t))
				db = f.connect(as(t, f.dsn, role(t)))
			}
			const lines = "SELECT msg FROM lines"
			f.warm(f.db, lines)
			before, _ := f.read(f.bare, lines)
			if _, err := dump(t.Context(), db, test.step); err != nil {
				t.Fatal(err)
			}
			want, _ := f.read(f.bare, lines)
			if want == before {
				t.Fatalf("%s wrote nothing", test.step)
			}
			if got, res := f.read(f.db, lines); got != want {
				t.Errorf("after %s: %s from %v, want %s", test.step, got, res.Source(), want)
			}
		})
	}
}

// What a function or a view looks at beyond its arguments is not known.
func TestFunctionsThatLook(t *testing.T) {
	const looks = `CREATE FUNCTION works(a authors) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM books WHERE author = a.id';
 CREATE FUNCTION step(s bigint, i int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT s + (SELECT count(*) FROM authors)';
 CREATE AGGREGATE odd(int) (SFUNC = step, STYPE = bigint, INITCOND = '0');
 CREATE VIEW odds AS SELECT odd(n) FROM other;
 CREATE VIEW stat AS SELECT o.n, c.reltuples FROM other o JOIN pg_class c ON c.relname = 'other';
 CREATE VIEW old AS SELECT n, ('now'::text)::timestamptz AS at FROM other;
 CREATE TYPE who AS (name text);
 CREATE FUNCTION who_of(i int) RETURNS who LANGUAGE sql STABLE AS 'SELECT ROW(name)::who FROM authors WHERE id = i';
 CREATE CAST (int AS who) WITH FUNCTION who_of(int);
 CREATE TABLE people (name text, age int, version int, text text, date date, note text);
 CREATE FUNCTION note(i int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
 CREATE FUNCTION since(at timestamptz, until timestamptz DEFAULT now()) RETURNS interval LANGUAGE sql IMMUTABLE AS 'SELECT $2 - $1';
 CREATE FUNCTION asks(i int, who name DEFAULT session_user) RETURNS text LANGUAGE sql IMMUTABLE RETURN who || ' ' || i;
 CREATE FUNCTION twice(i int, by int DEFAULT 1 + 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * by';
 CREATE VIEW sinces AS SELECT since('2026-01-01') AS age FROM other;
 INSERT INTO people VALUES ('x', 1, 2, 'y', '2026-01-01', 'z')`
	f := newFixture(t, nil)
	f.exec(f.bare, looks)
	for query, want := range map[string]querycache.Reason{
		"SELECT a.name, a.works FROM authors a":                                 dialect.ReasonUnknownFunc,
		"SELECT name, (a).works FROM authors a":                                 dialect.ReasonUnknownFunc,
		"SELECT * FROM odds":                                                    dialect.ReasonUnknownFunc,
		"SELECT (author::who)::text FROM books":                                 dialect.ReasonUnknownFunc,
		"SELECT since('2026-01-01') FROM other":                                 dialect.ReasonUnknownFunc,
		"SELECT age FROM sinces":                                                dialect.ReasonUnknownFunc,
		"SELECT asks(n) FROM other":                                             "", // the user is part of the key
		"SELECT twice(n) FROM other":                                            "",
		"SELECT * FROM stat":                                                    dialect.ReasonSystemTable,
		"SELECT * FROM old":                                                     dialect.ReasonClock,
		"SELECT (p.date).age FROM people p":                                     dialect.ReasonClock,
		"SELECT p.name, p.age, p.version, p.text, p.date, p.note FROM people p": "",
	} {
		f.warm(f.db, other)
		var res *querycache.Result
		for range 3 {
			_, res = f.read(f.db, query)
		}
		if res.Reason() != want || (res.Source() == querycache.Local) != (want == "") {
			t.Errorf("%s: %q from %v, want %q", query, res.Reason(), res.Source(), want)
		}
	}
}
