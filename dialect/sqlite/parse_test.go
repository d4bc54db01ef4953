package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sqlc-dev/meyer/ast"
	"github.com/sqlc-dev/meyer/parser"

	"github.com/querycache/querycache/dialect"
)

// describe writes what matters of a statement in one line.
func describe(st *dialect.Statement) string {
	out := []string{st.Kind.String()}
	for _, r := range st.Reads {
		out = append(out, "<"+r.String())
	}
	for _, w := range st.Writes {
		ops := ""
		for i, letter := range "iudt" {
			if w.Ops&(1<<i) != 0 {
				ops += string(letter)
			}
		}
		out = append(out, ">"+w.Table.String()+":"+ops)
	}
	for _, f := range st.Functions {
		out = append(out, f+"()")
	}
	if st.Savepoint != "" {
		out = append(out, "@"+st.Savepoint)
	}
	if st.Refuse != "" && st.Refuse != dialect.ReasonNotRead {
		out = append(out, "!"+string(st.Refuse))
	}
	switch st.Effect {
	case dialect.Keeps:
		out = append(out, "keeps")
	case dialect.Taints:
		out = append(out, "taints")
	}
	return strings.Join(out, " ")
}

var parseTests = []struct{ text, want string }{
	// CTEs.
	{"WITH c AS (SELECT * FROM t) SELECT * FROM c", "read <t"},
	{"WITH C AS (SELECT 1) SELECT * FROM c, main.c", "read <main.c"},
	{"WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a, b", "read <b"},
	{"WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a", "read"},
	{"WITH a AS (SELECT * FROM a) SELECT * FROM a", "read <a"},
	{"SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c), c", "read <c"},
	{"WITH c AS (SELECT 1) SELECT (WITH d AS (SELECT * FROM c) SELECT * FROM d), 1 IN d", "read <d"},
	{"WITH c AS (SELECT 1) INSERT INTO c SELECT * FROM c", "write >c:i"},
	{"WITH c AS (SELECT 1) SELECT 1 UNION SELECT * FROM c UNION SELECT * FROM d ORDER BY (SELECT 1 FROM e)", "read <d <e"},
	// Names in odd places.
	{`SELECT * FROM "A" JOIN [B c] ON EXISTS (SELECT 1 FROM 'd') LEFT JOIN (e NATURAL JOIN f)`, `read <a <"b c" <d <e <f`},
	{"SELECT 1 IN T, 2 IN main.u, 3 IN (SELECT 1 FROM v)", "read <t <v <main.u"},
	{"SELECT sum(a) FILTER (WHERE b IN u) OVER (PARTITION BY (SELECT 1 FROM v) ORDER BY (SELECT 1 FROM w)) FROM t", "read <t <u <v <w sum()"},
	{"SELECT * FROM t GROUP BY (SELECT 1 FROM u) HAVING 1 IN v LIMIT (SELECT 1 FROM w) OFFSET (SELECT 1 FROM x)", "read <t <u <v <w <x"},
	{"SELECT a FROM t WINDOW w AS (ORDER BY (SELECT 1 FROM u))", "read <t <u"},
	{"VALUES (1, (SELECT 1 FROM t)), (2 IN u, 3)", "read <t <u"},
	{"SELECT CASE (SELECT 1 FROM a) WHEN 1 IN b THEN 2 IN c ELSE 3 IN d END", "read <a <b <c <d"},
	// Writes.
	{"INSERT INTO t DEFAULT VALUES", "write >t:i"},
	{"REPLACE INTO t VALUES (1)", "write >t:id"},
	{"INSERT OR REPLACE INTO main.T VALUES (1)", "write >main.t:id"},
	{"INSERT OR IGNORE INTO t SELECT * FROM u", "write <u >t:i"},
	{"INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "write >t:i"},
	{"INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = (SELECT 1 FROM u) RETURNING (SELECT 1 FROM v)", "write <u <v >t:iu"},
	{"UPDATE OR REPLACE t SET a = 1", "write >t:ud"},
	{"UPDATE t AS x SET (a, b) = (SELECT 1, 2 FROM u) FROM v WHERE c IN w", "write <u <v <w >t:u"},
	{"DELETE FROM t WHERE a IN (SELECT b FROM u)", "write <u >t:d"},
	// Functions.
	{"SELECT LOWER(a), \"Upper\"(b) FROM t", "read <t lower() upper()"},
	{"SELECT a LIKE b, a GLOB b, a REGEXP b, a MATCH b, a -> b ->> c FROM t", "read <t ->() ->>() glob() like() match() regexp()"},
	{"SELECT CURRENT_TIME", "read current_time() !clock_function"},
	{"SELECT date('now') FROM t", "read <t date() !clock_function"},
	{"SELECT 1 FROM t ORDER BY random()", "read <t random() !volatile_function"},
	{"SELECT last_insert_rowid()", "read last_insert_rowid() !volatile_function"},
	{"SELECT load_extension('x')", "unknown load_extension() !volatile_function taints"},
	{"INSERT INTO t SELECT eval('x')", "unknown >t:i eval() !volatile_function taints"},
	{"ATTACH load_extension('x') AS y", "unknown load_extension() !volatile_function taints"},
	{"SELECT mine(1) FROM t", "read <t mine()"},
	{"SELECT * FROM JSON_EACH(?), t", "read <t json_each()"},
	{"SELECT 1 IN json_each('[1]') FROM t", "read <t json_each()"},
	{"SELECT * FROM main.json_each(?)", "read json_each() !virtual_relation"},
	{"SELECT * FROM generate_series(1, 2)", "read generate_series() !virtual_relation"},
	{"SELECT * FROM pragma_table_info('t')", "read pragma_table_info() !system_relation"},
	{"SELECT * FROM pragma_database_list", "read <pragma_database_list"},
	// Transactions.
	{"BEGIN", "begin"},
	{"BEGIN EXCLUSIVE TRANSACTION x", "begin"},
	{"COMMIT TRANSACTION", "commit"},
	{"END", "commit"},
	{"ROLLBACK", "rollback"},
	{"ROLLBACK TRANSACTION x TO SAVEPOINT [A b]", "rollback to @a b"},
	{"SAVEPOINT 'X'", "savepoint @x"},
	{"RELEASE SAVEPOINT x", "release @x"},
	{"COMMIT AND CHAIN", "unknown !unparsable taints"},
	{"START TRANSACTION", "unknown !unparsable taints"},
	// DDL.
	{"CREATE TABLE t (a REFERENCES u ON DELETE CASCADE)", "ddl >t:iudt"},
	{"CREATE TEMP TABLE t (a)", "ddl >t:iudt taints"},
	{"CREATE TABLE temp.t (a)", "ddl >temp.t:iudt taints"},
	{"CREATE TEMPORARY VIEW v AS SELECT * FROM t", "ddl <t >v:iudt taints"},
	{"CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM u; END", "ddl >t:iudt >u:d taints"},
	{"CREATE TRIGGER temp.r AFTER INSERT ON t BEGIN SELECT 1; END", "ddl >t:iudt taints"},
	{"CREATE TRIGGER r INSTEAD OF UPDATE OF a ON t WHEN 1 IN w BEGIN UPDATE u SET a = (SELECT 1 FROM x); END", "ddl <w <x >t:iudt >u:u"},
	{"CREATE VIRTUAL TABLE temp.f USING fts5(a)", "ddl >temp.f:iudt taints"},
	{"CREATE INDEX main.i ON t (a) WHERE b = 1", "ddl >main.t:iudt"},
	{"ALTER TABLE main.t RENAME TO u", "ddl >main.t:iudt >main.u:iudt"},
	{"ALTER TABLE t ADD COLUMN a DEFAULT (1 IN u)", "ddl <u >t:iudt"},
	{"DROP VIEW temp.v", "ddl >temp.v:iudt taints"},
	{"DROP INDEX i", "ddl"},
	{"DROP TRIGGER temp.r", "ddl taints"},
	{"VACUUM", "ddl"},
	{"VACUUM INTO 'x'", "ddl"},
	{"REINDEX t", "ddl"},
	// The rest.
	{"ANALYZE t", "neutral"},
	{"EXPLAIN SELECT load_extension(a) FROM t", "neutral <t load_extension()"},
	{"EXPLAIN DELETE FROM t WHERE a IN u", "neutral <u"},
	{"EXPLAIN PRAGMA case_sensitive_like = 1", "session taints"},
	{"ATTACH 'x' AS y", "session taints"},
	{"DETACH DATABASE y", "session taints"},
	{"PRAGMA table_info(t)", "neutral"},
	{"PRAGMA main.table_info = t", "neutral"},
	{"PRAGMA foreign_keys", "neutral"},
	{"PRAGMA foreign_keys = ON", "session keeps"},
	{"PRAGMA Foreign_Keys(0)", "session keeps"},
	{"PRAGMA wal_checkpoint", "session keeps"},
	{"PRAGMA case_sensitive_like(1)", "session taints"},
	{"PRAGMA user_version", "neutral"},
	{"PRAGMA user_version = 3", "ddl taints"},
	{"PRAGMA writable_schema = RESET", "ddl taints"},
	{"PRAGMA incremental_vacuum", "ddl taints"},
	{"PRAGMA rekey = 'x'", "unknown !unanalysed taints"},
	{"", "neutral"},
	{" ; -- nothing\n;", "neutral"},
	// Several statements.
	{"BEGIN; INSERT INTO t VALUES (1); COMMIT", "unknown >t:i !multi_statement"},
	{"INSERT INTO t VALUES (1); DELETE FROM t; UPDATE u SET a = 1;", "write >t:id >u:u !multi_statement"},
	{"SELECT 1 FROM t; PRAGMA case_sensitive_like = 1", "unknown <t !multi_statement taints"},
	// What the parser does not understand, or never sees.
	{"SELECT * FROM t WHERE", "unknown !unparsable"},
	{"SELECT mine(1) FROM t WHERE", "unknown !unparsable taints"},
	{"SELECT * FROM t FOR UPDATE", "unknown !unparsable taints"},
	{"SELECT * INTO u FROM t", "unknown !unparsable taints"},
	{"INSERT INTO t", "unknown !unparsable taints"},
	{"DELETE FROM t; nonsense", "unknown !unparsable taints"},
	{"SELECT 1; \x00 DELETE FROM t", "unknown !unparsable taints"},
	{"SELECT '\xff'", "unknown !unparsable taints"},
	{"SELECT " + strings.Repeat("(", 501) + "1" + strings.Repeat(")", 501), "unknown !text_too_long taints"},
}

func TestParse(t *testing.T) {
	for _, test := range parseTests {
		st := Dialect().Parse(test.text)
		if got := describe(st); got != test.want {
			t.Errorf("Parse(%.100q):\n got %s\nwant %s", test.text, got, test.want)
		}
		// Exactly the reads are, and what lexes as one but does not parse.
		lexical := st.Kind == dialect.Unknown && strings.HasPrefix(test.text, "SELECT") && strings.HasSuffix(test.text, "WHERE")
		if want := st.Kind == dialect.Read || lexical; st.SingleRead != want {
			t.Errorf("Parse(%.100q): single read is %v, want %v", test.text, st.SingleRead, want)
		}
		if st.Kind != dialect.Read && st.Refuse == "" {
			t.Errorf("Parse(%.100q): refuses nothing, but is no read", test.text)
		}
	}
}

func TestParseParts(t *testing.T) {
	st := Dialect().Parse("SAVEPOINT a; INSERT INTO t SELECT * FROM u; nonsense")
	if st.Parts != nil || st.Kind != dialect.Unknown {
		t.Errorf("got %v with %d parts, want unknown without", st.Kind, len(st.Parts))
	}
	st = Dialect().Parse("SAVEPOINT a; INSERT INTO t SELECT * FROM u; RELEASE a")
	var got []string
	for _, p := range st.Parts {
		got = append(got, describe(p))
	}
	want := []string{"savepoint @a", "write <u >t:i", "release @a"}
	if !slices.Equal(got, want) {
		t.Errorf("parts are %q, want %q", got, want)
	}
}

// Stripping comments, as the cache does before it parses, changes no answer.
func TestParseIgnoresComments(t *testing.T) {
	for _, test := range parseTests {
		if strings.Contains(test.text, "--") {
			continue // the rest would be in that comment
		}
		commented := "/* a */" + strings.ReplaceAll(test.text, " ", " /* b; '\" */ -- c\n") + "-- d"
		stripped := lexicon.Strip(commented)
		a, b, c := Dialect().Parse(test.text), Dialect().Parse(commented), Dialect().Parse(stripped)
		if strings.Contains(test.text, "'x ") || strings.Contains(test.text, "[") || strings.Contains(test.text, `"`) {
			continue // the comment went into a quoted name
		}
		if describe(a) != describe(b) || describe(a) != describe(c) {
			t.Errorf("%.100q:\n    bare %s\ncommented %s\n stripped %s", test.text, describe(a), describe(b), describe(c))
		}
	}
}

// The walker must report every name that the parser's own traversal visits.
func TestWalkVisitsEveryNode(t *testing.T) {
	for _, test := range parseTests {
		stmts, err := dialect.Parsed(test.text, parser.ParseString)
		if err != nil || lexicon.Guard(test.text) != "" {
			continue
		}
		for _, s := range stmts {
			st := analyse(s)
			if st.Kind != dialect.Read && st.Kind != dialect.Write {
				continue
			}
			ast.Walk(s, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.TableRef:
					if n.Name != nil && !n.HasArgs && !strings.Contains(strings.ToUpper(test.text), "WITH") {
						if !slices.Contains(st.Reads, table(n.Name)) {
							t.Errorf("%q: %s is not among the reads", test.text, table(n.Name))
						}
					}
				case *ast.FuncCall:
					if !slices.Contains(st.Functions, dialect.Fold(n.Name.Name)) {
						t.Errorf("%q: %s is not among the functions", test.text, n.Name.Name)
					}
				}
				return true
			})
		}
	}
}

// novel stands for a node that a later parser may have.
type novel struct {
	ast.Span
	Inner  map[string][]ast.Expr
	Target *ast.QualifiedName
	Own    struct{ Exprs [2]ast.Expr }
}

func TestWalkNodesNeverHeardOf(t *testing.T) {
	in := func(name string) ast.Expr {
		return &ast.InExpr{Table: &ast.QualifiedName{Name: &ast.Ident{Name: name}}}
	}
	n := &novel{
		Inner:  map[string][]ast.Expr{"x": {in("a"), in("b")}},
		Target: &ast.QualifiedName{Name: &ast.Ident{Name: "c"}},
	}
	n.Own.Exprs[1] = in("d")
	w := &walker{st: &dialect.Statement{}}
	if got, want := describe(w.collect(func() { w.node(n, nil) })), "unknown <a <b <c <d"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

type novelStmt struct{ *ast.SelectStmt }

func TestStatementNeverHeardOfIsUnknown(t *testing.T) {
	if got, want := describe(analyse(novelStmt{&ast.SelectStmt{}})), "unknown !unanalysed taints"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTreeOfAnotherShapeIsUnknown(t *testing.T) {
	if got, want := describe(analyse(&ast.InsertStmt{})), "unknown !unparsable taints"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseSurvivesDepth(t *testing.T) {
	for _, text := range []string{
		"SELECT " + strings.Repeat("1+", 100_000) + "1",
		"SELECT " + strings.Repeat("NOT ", 60_000) + "1",
		"SELECT " + strings.Repeat("-", 1) + strings.Repeat(" -", 100_000) + "1",
		"SELECT " + strings.Repeat("CASE WHEN 1 THEN ", 10_000) + "1" + strings.Repeat(" END", 10_000),
		strings.Repeat("SELECT 1 UNION ", 15_000) + "SELECT 1",
	} {
		st := Dialect().Parse(text)
		if st.Kind != dialect.Read && st.Kind != dialect.Unknown {
			t.Errorf("%.40q: %v", text, st.Kind)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{
		"SELECT * FROM users WHERE id = ?1",
		`WITH recent AS (SELECT id, author_id FROM books WHERE year > ?1)
		 SELECT a.name, count(*) AS n FROM authors AS a JOIN recent AS r ON r.author_id = a.id
		 LEFT JOIN prizes AS p ON p.author_id = a.id AND p.year IN (SELECT year FROM years WHERE open = 1)
		 WHERE a.country LIKE ?2 GROUP BY a.id HAVING n > 3 ORDER BY n DESC, a.name LIMIT 20`,
	} {
		b.Run(fmt.Sprint(len(text)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Dialect().Parse(text)
			}
		})
	}
}
