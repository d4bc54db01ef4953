package sqlite

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"testing"

	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache/dialect"
)

// schema has a relation for every rule.
const schema = `
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT UNIQUE, boss REFERENCES Authors ON DELETE SET NULL);
CREATE TABLE Books (id INTEGER PRIMARY KEY, author REFERENCES AUTHORS (id) ON DELETE CASCADE ON UPDATE SET DEFAULT, title);
CREATE TABLE pages (book REFERENCES books ON DELETE CASCADE ON UPDATE CASCADE, nr, PRIMARY KEY (book, nr));
CREATE TABLE notes (id INTEGER PRIMARY KEY, book REFERENCES books ON DELETE SET NULL);
CREATE TABLE loans (id INTEGER PRIMARY KEY, book REFERENCES books, since);
CREATE TABLE slots (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a);
CREATE TABLE uses (slot REFERENCES slots ON DELETE CASCADE);
CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, what UNIQUE);
CREATE TABLE log_gone (what);
CREATE TABLE "odd name" ("a b");
CREATE TABLE counted (a UNIQUE);
CREATE TABLE counts (a UNIQUE, n);
CREATE TABLE ping (a);
CREATE TABLE pong (a);
CREATE TABLE doors (a);
CREATE VIRTUAL TABLE search USING fts5 (title);
CREATE VIEW catalogue AS SELECT b.title, a.name FROM books AS b JOIN authors AS a ON a.id = b.author;
CREATE VIEW Shelf AS SELECT * FROM catalogue, notes WHERE title LIKE 'x%';
CREATE VIEW dice AS SELECT random() AS n FROM books;
CREATE VIEW clocked AS SELECT * FROM loans WHERE since < CURRENT_DATE;
CREATE VIEW dices AS SELECT * FROM dice;
CREATE VIEW pure_view AS SELECT 1 AS one;
CREATE VIEW broken AS SELECT * FROM missing;
CREATE VIEW found AS SELECT * FROM search;
CREATE VIEW items AS SELECT value FROM books, json_each(title);
CREATE VIEW entry AS SELECT title, name FROM catalogue;
CREATE TRIGGER entry_insert INSTEAD OF INSERT ON entry BEGIN
 INSERT OR IGNORE INTO authors (name) VALUES (new.name);
 INSERT INTO books (title) VALUES (new.title);
END;
CREATE TRIGGER entry_delete INSTEAD OF DELETE ON entry BEGIN DELETE FROM books WHERE title = old.title; END;
CREATE TRIGGER books_insert AFTER INSERT ON books BEGIN INSERT INTO log (what) VALUES ('book'); END;
CREATE TRIGGER log_delete AFTER DELETE ON log BEGIN INSERT INTO log_gone SELECT a FROM counted; END;
CREATE TRIGGER counted_insert BEFORE INSERT ON counted WHEN EXISTS (SELECT 1 FROM books) BEGIN
 INSERT INTO counts VALUES (new.a, 1) ON CONFLICT (a) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER counts_update AFTER UPDATE OF n ON counts BEGIN DELETE FROM log_gone; END;
CREATE TRIGGER ping_update AFTER UPDATE ON ping BEGIN UPDATE pong SET a = a + 1; END;
CREATE TRIGGER pong_update AFTER UPDATE ON pong BEGIN UPDATE ping SET a = a + 1; END;
CREATE TRIGGER doors_insert AFTER INSERT ON doors BEGIN INSERT OR REPLACE INTO counted VALUES (new.a); END;
CREATE TRIGGER counts_delete AFTER DELETE ON counts BEGIN INSERT INTO loans (id) VALUES (old.n); END;
CREATE TRIGGER notes_insert AFTER INSERT ON notes BEGIN INSERT INTO search VALUES ('x'); END;
`

// resolution writes a resolution in one line.
func resolution(r dialect.Resolution) string {
	var out []string
	for _, t := range r.Reads {
		out = append(out, "<"+strings.TrimPrefix(t, "main."))
	}
	for _, t := range r.Writes {
		out = append(out, ">"+strings.TrimPrefix(t, "main."))
	}
	if r.Refuse != "" && r.Refuse != dialect.ReasonNotRead {
		out = append(out, "!"+string(r.Refuse))
	}
	if r.Everything != "" {
		out = append(out, ">*:"+string(r.Everything))
	}
	return strings.Join(out, " ")
}

var resolveTests = []struct{ text, want string }{
	// Reads.
	{"SELECT * FROM books", "<books"},
	{`SELECT * FROM "BOOKS", main.Authors, books`, "<authors <books"},
	{`SELECT "a b" FROM [ODD NAME]`, `<"odd name"`},
	{"SELECT * FROM catalogue", "<authors <books"},
	{"SELECT * FROM SHELF", "<authors <books <notes"},
	{"SELECT * FROM shelf, catalogue, books", "<authors <books <notes"},
	{"SELECT * FROM items", "<books"},
	{"SELECT 1 IN counted, (SELECT count(*) FROM loans)", "<counted <loans"},
	{"WITH books AS (SELECT * FROM notes) SELECT * FROM books", "<notes"},
	{"SELECT * FROM json_each(?), books", "<books"},
	{"SELECT upper(title) || sum(id) OVER () FROM books WHERE title LIKE 'a%'", "<books"},
	// Reads that are refused.
	{"SELECT 1", "!no_relation"},
	{"SELECT * FROM pure_view", "!no_relation"},
	{"SELECT * FROM json_each('[1]')", "!no_relation"},
	{"SELECT * FROM missing", "!unknown_relation"},
	{"SELECT * FROM broken", "!unknown_relation"},
	{"SELECT * FROM json_each", "!unknown_relation"},
	{"SELECT * FROM temp.books", "!temporary_relation"},
	{"SELECT * FROM other.books", "!attached_database"},
	{"SELECT * FROM sqlite_schema", "!system_relation"},
	{"SELECT * FROM main.sqlite_sequence", "!system_relation"},
	{"SELECT * FROM pragma_table_list", "!system_relation"},
	{"SELECT * FROM books, pragma_table_info('books')", "<books !system_relation"},
	{"SELECT * FROM dbstat", "!system_relation"},
	{"SELECT * FROM search", "!virtual_relation"},
	{"SELECT * FROM search('x')", "!virtual_relation"},
	{"SELECT * FROM found", "!virtual_relation"},
	{"SELECT * FROM search_data", "!virtual_relation"},
	{"SELECT * FROM dice", "<books !volatile_function"},
	{"SELECT * FROM dices", "<books !volatile_function"},
	{"SELECT * FROM clocked", "<loans !clock_function"},
	{"SELECT date(since) FROM loans", "<loans !clock_function"},
	{"SELECT mine(title) FROM books", "<books !unknown_function"},
	{"SELECT title MATCH 'x' FROM books", "<books !unknown_function"},
	{"SELECT title REGEXP 'x' FROM books", "<books !unknown_function"},
	{"SELECT 1 FROM books WHERE", "!unparsable"},
	// Writes.
	{"INSERT INTO authors (name) VALUES (1)", ">authors"},
	{"INSERT INTO books (title) SELECT title FROM loans", ">books >log"},
	{"UPDATE authors SET id = 2", ">authors >books >pages"},
	{"UPDATE loans SET id = 2", ">loans"},
	{"UPDATE books SET title = 1", ">books >pages"},
	{"DELETE FROM loans", ">loans"},
	{"DELETE FROM books", ">books >notes >pages"},
	{"DELETE FROM Main.AUTHORS", ">authors >books >notes >pages"},
	{"DELETE FROM pages", ">pages"},
	{"REPLACE INTO authors VALUES (1, 2, 3)", ">authors >books >notes >pages"},
	{"INSERT OR REPLACE INTO books (id) VALUES (1)", ">books >log >log_gone >notes >pages"},
	{"INSERT INTO slots VALUES (1, 2)", ">slots >uses"},
	{"UPDATE slots SET id = 2", ">slots >uses"},
	{"UPDATE OR REPLACE loans SET id = 2", ">loans"},
	{"INSERT INTO log (what) VALUES (1)", ">log"},
	{"DELETE FROM log", ">log >log_gone"},
	{"INSERT INTO counted VALUES (1)", ">counted >counts >log_gone"},
	{"INSERT INTO counts VALUES (1, 2) ON CONFLICT DO UPDATE SET n = 2", ">counts >log_gone"},
	{"INSERT INTO counts VALUES (1, 2)", ">counts"},
	// The OR REPLACE of a trigger holds in those that it fires.
	{"INSERT INTO doors VALUES (1)", ">counted >counts >doors >loans >log_gone"},
	{"UPDATE ping SET a = 1", ">ping >pong"},
	{"INSERT INTO entry VALUES (1, 2)", ">authors >books >log"},
	{"DELETE FROM entry", ">books >notes >pages"},
	{"INSERT INTO authors (name) VALUES (1); DELETE FROM loans", ">authors >loans !multi_statement"},
	{"BEGIN; DELETE FROM loans; SELECT 1; COMMIT", ">loans !multi_statement"},
	// Writes of everything.
	{"UPDATE entry SET title = 1", ">*:not_writable"},
	{"DELETE FROM catalogue", ">*:not_writable"},
	{"INSERT INTO search VALUES (1)", ">*:virtual_relation"},
	{"DELETE FROM search_data", ">*:virtual_relation"},
	{"INSERT INTO notes (id) VALUES (1)", ">*:virtual_relation"},
	{"DELETE FROM missing", ">*:unknown_relation"},
	{"DELETE FROM sqlite_sequence", ">*:system_relation"},
	{"DELETE FROM temp.books", ">*:temporary_relation"},
	{"DELETE FROM other.books", ">*:attached_database"},
	{"DROP TABLE loans", ">*:schema_change"},
	{"DELETE FROM loans; VACUUM", "!multi_statement >*:schema_change"},
	{"DELETE FROM loans; PRAGMA rekey = 1", "!multi_statement >*:unanalysed"},
	{"nonsense", "!unparsable >*:unparsable"},
	{"SELECT load_extension('x')", "!volatile_function >*:volatile_function"},
	// Neither.
	{"BEGIN", ""},
	{"COMMIT", ""},
	{"PRAGMA foreign_keys = 1", ""},
	{"EXPLAIN DELETE FROM loans", ""},
	{"ATTACH 'x' AS y", ""},
	{"", ""},
}

func TestResolve(t *testing.T) {
	catalog := open(t, schema).load()
	for _, test := range resolveTests {
		got := resolution(catalog.Resolve(Dialect().Parse(test.text), dialect.Session{}))
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.text, got, test.want)
		}
	}
}

// On a connection that is refused names and triggers may be its own.
func TestResolveInRefusedSession(t *testing.T) {
	catalog := open(t, schema).load()
	session := dialect.Session{Refuse: dialect.ReasonTempTable}
	for text, want := range map[string]string{
		"SELECT * FROM books":          "<books !temporary_relation",
		"SELECT * FROM books WHERE":    "!temporary_relation",
		"DELETE FROM loans":            "!temporary_relation >*:temporary_relation",
		"DELETE FROM loans; SELECT 1;": "!temporary_relation >*:temporary_relation",
		"nonsense":                     "!temporary_relation >*:temporary_relation",
		"BEGIN":                        "!temporary_relation",
	} {
		if got := resolution(catalog.Resolve(Dialect().Parse(text), session)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestTags(t *testing.T) {
	catalog := open(t, schema).load()
	tests := []struct {
		name dialect.Table
		want string
	}{
		{dialect.Table{Name: "books"}, "main.books"},
		{dialect.Table{Schema: "Main", Name: "BOOKS"}, "main.books"},
		{dialect.Table{Name: "Odd Name"}, `main."odd name"`},
		{dialect.Table{Name: "search"}, "main.search"},
		{dialect.Table{Name: "catalogue"}, "main.authors main.books"},
		{dialect.Table{Name: "missing"}, ""},
		{dialect.Table{Name: "sqlite_sequence"}, ""},
		{dialect.Table{Schema: "temp", Name: "books"}, ""},
		{dialect.Table{Schema: "other", Name: "books"}, ""},
	}
	for _, test := range tests {
		got, ok := catalog.Tags(test.name, dialect.Session{})
		slices.Sort(got)
		if got := strings.Join(got, " "); got != test.want || ok != (test.want != "") {
			t.Errorf("Tags(%v) = %q, %v, want %q", test.name, got, ok, test.want)
		}
	}
}

// What cannot be parsed may do anything.
func TestOpaqueSchema(t *testing.T) {
	for _, sql := range []string{"", "nonsense", "CREATE TABLE t (a)", "CREATE VIEW v AS SELECT \x00",
		"CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT load_extension('x'); END",
		"CREATE TRIGGER r AFTER INSERT ON t WHEN load_extension('x') BEGIN SELECT 1; END"} {
		if tr := parseTrigger(sql); !tr.opaque || tr.fires&dialect.Delete == 0 {
			t.Errorf("parseTrigger(%q) = %+v, want it opaque", sql, tr)
		}
		if st := viewBody(sql); st.Refuse == "" {
			t.Errorf("viewBody(%q) refuses nothing", sql)
		}
		if sql != "CREATE TABLE t (a)" && !replaces(sql) {
			t.Errorf("replaces(%q) = false, want true", sql)
		}
	}
	for sql, want := range map[string]bool{
		"CREATE TABLE t (a, b NOT NULL, PRIMARY KEY (a))":         false,
		"CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE)":            false,
		"CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE)":           true,
		"CREATE TABLE t (a, b, UNIQUE (a) ON CONFLICT REPLACE)":   true,
		"CREATE TABLE t (a, PRIMARY KEY (a) ON CONFLICT REPLACE)": true,
	} {
		if got := replaces(sql); got != want {
			t.Errorf("replaces(%q) = %v, want %v", sql, got, want)
		}
	}
	c := &catalog{relations: map[string]*relation{"t": {triggers: []trigger{{fires: anyOp, opaque: true}}}}}
	if got := resolution(c.Resolve(Dialect().Parse("DELETE FROM t"), dialect.Session{})); got != ">*:unparsable" {
		t.Errorf("an opaque trigger gives %s", got)
	}
}

func TestFunctionsOfTheUser(t *testing.T) {
	d := new(modernc.Driver)
	one := func(*modernc.FunctionContext, []driver.Value) (driver.Value, error) { return int64(1), nil }
	for name, deterministic := range map[string]bool{"steady": true, "Shaky": false, "lower": false, "upper": true, "Mixed": false} {
		register := d.RegisterScalarFunction
		if deterministic {
			register = d.RegisterDeterministicScalarFunction
		}
		if err := register(name, 1, one); err != nil {
			t.Fatal(err)
		}
	}
	// Another function of the same name, with two arguments.
	if err := d.RegisterDeterministicScalarFunction("mixed", 2, one); err != nil {
		t.Fatal(err)
	}
	db := openDriver(t, d, "CREATE TABLE t (a); CREATE VIEW v AS SELECT shaky(a) FROM t")
	catalog := db.load()
	for text, want := range map[string]string{
		"SELECT steady(a) FROM t":       "<t",
		"SELECT shaky(a) FROM t":        "<t !unknown_function",
		"SELECT mixed(a, a) FROM t":     "<t !unknown_function",
		"SELECT lower(a) FROM t":        "<t !unknown_function",
		"SELECT upper(a) FROM t":        "<t",
		"SELECT geopoly_area(a) FROM t": "<t",
		"SELECT * FROM v":               "<t !unknown_function",
		"SELECT unheard(a) FROM t":      "<t !unknown_function",
	} {
		if got := resolution(catalog.Resolve(Dialect().Parse(text), dialect.Session{})); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// A virtual table may hide a table-valued function.
func TestHiddenTableFunction(t *testing.T) {
	catalog := open(t, "CREATE TABLE t (a); CREATE VIRTUAL TABLE json_each USING fts5 (a)").load()
	got := resolution(catalog.Resolve(Dialect().Parse("SELECT * FROM t, json_each('x')"), dialect.Session{}))
	if want := "<t !virtual_relation"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Resolve must not depend on the order of a map.
func TestResolveIsSorted(t *testing.T) {
	catalog := open(t, schema).load()
	st := Dialect().Parse("DELETE FROM authors")
	first := catalog.Resolve(st, dialect.Session{}).Writes
	if !slices.IsSorted(first) {
		t.Errorf("writes %q are not sorted", first)
	}
	for range 20 {
		if again := catalog.Resolve(st, dialect.Session{}).Writes; !slices.Equal(first, again) {
			t.Fatalf("writes are %q, then %q", first, again)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	catalog := open(b, schema).load()
	for _, text := range []string{"SELECT * FROM books WHERE id = ?", "SELECT * FROM shelf", "DELETE FROM authors"} {
		st := Dialect().Parse(text)
		b.Run(fmt.Sprintf("%.12s", text), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				catalog.Resolve(st, dialect.Session{})
			}
		})
	}
}
