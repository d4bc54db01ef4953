package dialect

import (
	"strings"
	"testing"
)

var lexicalTests = []struct {
	text   string
	kind   Kind
	single bool
	effect Effect
	refuse Reason
	name   string // of the savepoint
}{
	// Single reads.
	{text: "SELECT 1", single: true, refuse: ReasonUnanalysed},
	{text: "  select a, count(*) from t where b in (1, 2) ; ", single: true, refuse: ReasonUnanalysed},
	{text: "(SELECT 1) UNION (SELECT 2)", single: true, refuse: ReasonUnanalysed},
	{text: "WITH c AS (SELECT 1) SELECT * FROM c", single: true, refuse: ReasonUnanalysed},
	{text: "VALUES (1)", single: true, refuse: ReasonUnanalysed},
	{text: "TABLE t", single: true, refuse: ReasonUnanalysed},
	{text: "SELECT replace(a, 'b', 'c'), CASE WHEN a THEN b END FROM t", single: true, refuse: ReasonUnanalysed},
	{text: "SELECT 'DELETE FROM t', \"insert\" -- update\n FROM t /* drop */", single: true, refuse: ReasonUnanalysed},
	{text: "SELECT 1 FROM deleted, updates, into_x", single: true, refuse: ReasonUnanalysed},
	{text: "SHOW TABLES", kind: Neutral, single: true, refuse: ReasonNotRead},
	// Functions that may change the session.
	{text: "SELECT set_config('a', 'b', false)", single: true, effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT \"count\"(1)", single: true, effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT @a := 1", single: true, effect: Taints, refuse: ReasonUnanalysed},
	// Row locks.
	{text: "SELECT * FROM t FOR UPDATE", kind: Read, refuse: ReasonLocking},
	{text: "SELECT * FROM t FOR SHARE OF t SKIP LOCKED", kind: Read, refuse: ReasonLocking},
	{text: "SELECT * FROM t FOR NO KEY UPDATE", kind: Read, refuse: ReasonLocking},
	{text: "SELECT * FROM t FOR KEY SHARE", kind: Read, refuse: ReasonLocking},
	{text: "SELECT * FROM t LOCK IN SHARE MODE", kind: Read, refuse: ReasonLocking},
	{text: "SELECT * INTO u FROM t FOR UPDATE", effect: Taints, refuse: ReasonUnanalysed},
	// Writes.
	{text: "INSERT INTO t VALUES (1)", kind: Write, refuse: ReasonNotRead},
	{text: "insert into t select * from u on conflict (a) do update set b = 1", kind: Write, refuse: ReasonNotRead},
	{text: "UPDATE t SET a = 1 WHERE b IN (2)", kind: Write, refuse: ReasonNotRead},
	{text: "DELETE FROM t;", kind: Write, refuse: ReasonNotRead},
	{text: "REPLACE INTO t VALUES (1)", kind: Write, refuse: ReasonNotRead},
	{text: "MERGE INTO t USING u ON (a = b) WHEN MATCHED THEN DELETE", kind: Write, refuse: ReasonNotRead},
	{text: "UPDATE t SET a = my_function(1)", kind: Write, effect: Taints, refuse: ReasonNotRead},
	{text: "DELETE FROM t COMMIT", effect: Taints, refuse: ReasonUnanalysed},
	// Writes in what looks like a read.
	{text: "SELECT * INTO u FROM t", effect: Taints, refuse: ReasonUnanalysed},
	{text: "WITH c AS (DELETE FROM t RETURNING *) SELECT * FROM c", effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT 1 DELETE FROM t", effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT 1INTO t", effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT 1 :into t", effect: Taints, refuse: ReasonUnanalysed},
	{text: "WITH c AS (SELECT 1)\ufeffDELETE FROM t", effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT 1 /*! INTO OUTFILE 'x' */", effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT 1 /*M! INTO x */", effect: Taints, refuse: ReasonUnanalysed},
	{text: "SELECT 'a", effect: Taints, refuse: ReasonUnanalysed},
	// Transaction control.
	{text: "BEGIN", kind: Begin, refuse: ReasonNotRead},
	{text: "begin immediate transaction", kind: Begin, refuse: ReasonNotRead},
	{text: "BEGIN WORK ISOLATION LEVEL READ COMMITTED, READ ONLY", kind: Begin, refuse: ReasonNotRead},
	{text: "START TRANSACTION WITH CONSISTENT SNAPSHOT", kind: Begin, refuse: ReasonNotRead},
	{text: "COMMIT", kind: Commit, refuse: ReasonNotRead},
	{text: "END TRANSACTION;", kind: Commit, refuse: ReasonNotRead},
	{text: "ROLLBACK WORK", kind: Rollback, refuse: ReasonNotRead},
	{text: "ROLLBACK TO a", kind: RollbackTo, refuse: ReasonNotRead, name: "a"},
	{text: "ROLLBACK TRANSACTION TO SAVEPOINT \"b\"\"c\"", kind: RollbackTo, refuse: ReasonNotRead, name: `b"c`},
	{text: "SAVEPOINT Ab", kind: Savepoint, refuse: ReasonNotRead, name: "ab"},
	{text: "SAVEPOINT savepoint", kind: Savepoint, refuse: ReasonNotRead, name: "savepoint"},
	{text: "RELEASE SAVEPOINT a", kind: Release, refuse: ReasonNotRead, name: "a"},
	{text: "RELEASE savepoint", kind: Release, refuse: ReasonNotRead, name: "savepoint"},
	{text: "SAVEPOINT \"Ab\"", effect: Taints, refuse: ReasonUnanalysed},
	{text: "SAVEPOINT a b", effect: Taints, refuse: ReasonUnanalysed},
	{text: "COMMIT AND CHAIN", effect: Taints, refuse: ReasonUnanalysed},
	{text: "COMMIT PREPARED 'x'", effect: Taints, refuse: ReasonUnanalysed},
	{text: "ROLLBACK PREPARED 'x'", effect: Taints, refuse: ReasonUnanalysed},
	{text: "ROLLBACK AND CHAIN", effect: Taints, refuse: ReasonUnanalysed},
	{text: "PREPARE TRANSACTION 'x'", effect: Taints, refuse: ReasonUnanalysed},
	{text: "BEGIN DELETE FROM t END", effect: Taints, refuse: ReasonUnanalysed},
	{text: "START SLAVE", effect: Taints, refuse: ReasonUnanalysed},
	{text: "ROLLBACK TO", effect: Taints, refuse: ReasonUnanalysed},
	// The rest.
	{text: "SET a = 1", effect: Taints, refuse: ReasonUnanalysed},
	{text: "PRAGMA a", effect: Taints, refuse: ReasonUnanalysed},
	{text: "CALL p()", effect: Taints, refuse: ReasonUnanalysed},
	{text: "EXPLAIN ANALYZE DELETE FROM t", effect: Taints, refuse: ReasonUnanalysed},
	{text: "CREATE TABLE t (a)", effect: Taints, refuse: ReasonUnanalysed},
	{text: "1", effect: Taints, refuse: ReasonUnanalysed},
	{text: ":select 1", effect: Taints, refuse: ReasonUnanalysed},
	{text: "(", effect: Taints, refuse: ReasonUnanalysed},
	{text: "(DELETE FROM t)", effect: Taints, refuse: ReasonUnanalysed},
	{text: "", kind: Neutral, refuse: ReasonNotRead},
	{text: " ;; -- nothing", kind: Neutral, refuse: ReasonNotRead},
	{text: "SELECT 1; SELECT \x00", effect: Taints, refuse: ReasonUnparsable},
	{text: "SELECT '\xff'", effect: Taints, refuse: ReasonUnparsable},
	// Several statements.
	{text: "SELECT 1; SELECT 2", refuse: ReasonMulti},
	{text: "DELETE FROM t; DELETE FROM u", kind: Write, refuse: ReasonMulti},
	{text: "BEGIN; DELETE FROM t; COMMIT", refuse: ReasonMulti},
	{text: "DELETE FROM t; SET a = 1", effect: Taints, refuse: ReasonMulti},
	{text: "SELECT 1; SELECT f(2)", effect: Taints, refuse: ReasonMulti},
}

func TestLexical(t *testing.T) {
	for _, test := range lexicalTests {
		st := Lexicon{}.Lexical(test.text)
		if st.Kind != test.kind || st.SingleRead != test.single || st.Effect != test.effect ||
			st.Refuse != test.refuse || st.Savepoint != test.name {
			t.Errorf("Lexical(%q) = %v single=%v effect=%d refuse=%q savepoint=%q, want %v %v %d %q %q", test.text,
				st.Kind, st.SingleRead, st.Effect, st.Refuse, st.Savepoint,
				test.kind, test.single, test.effect, test.refuse, test.name)
		}
	}
}

func TestLexicalParts(t *testing.T) {
	st := Lexicon{}.Lexical("BEGIN; DELETE FROM t; SELECT 1; COMMIT;")
	var kinds []string
	for _, p := range st.Parts {
		kinds = append(kinds, p.Kind.String())
	}
	if got, want := strings.Join(kinds, " "), "begin write unknown commit"; got != want {
		t.Errorf("parts are %q, want %q", got, want)
	}
	if st := (Lexicon{}).Lexical("SELECT 1; SET a = 1"); st.Parts != nil {
		t.Errorf("a text that is not understood has %d parts, want none", len(st.Parts))
	}
}

func TestLexicalSavepointFoldsLikeTheServer(t *testing.T) {
	// A letter outside ASCII keeps its case: PostgreSQL does not fold it.
	if st := (Lexicon{}).Lexical("SAVEPOINT ÄB"); st.Savepoint != "Äb" {
		t.Errorf("savepoint is %q, want %q", st.Savepoint, "Äb")
	}
}

func TestGuard(t *testing.T) {
	deep := func(n int) string { return "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	tests := []struct {
		name, text string
		want       Reason
	}{
		{"plain", "SELECT 1", ""},
		{"longest", "SELECT " + strings.Repeat("1", maxBytes-7), ""},
		{"too long", "SELECT " + strings.Repeat("1", maxBytes-6), ReasonTooLong},
		{"deepest", deep(maxNesting), ""},
		{"too deep", deep(maxNesting + 1), ReasonTooLong},
		{"wide", strings.Repeat("(1)", 2000), ""},
		{"brackets in a literal", "'" + strings.Repeat("(", 2000) + "'", ""},
		{"closing ones in a literal do not count", strings.Repeat("(')'", maxNesting+1), ReasonTooLong},
		{"unterminated", "'" + strings.Repeat("(", 2000), ReasonTooLong},
		{"NUL", "SELECT 1\x00", ReasonUnparsable},
		{"invalid UTF-8", "SELECT '\xc3'", ReasonUnparsable},
	}
	for _, test := range tests {
		if got := (Lexicon{}).Guard(test.text); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestGenericKeepsOutOfDoubt(t *testing.T) {
	d := Generic()
	for _, text := range []string{
		`SELECT 'a\' ; DELETE FROM t; -- '`, "SELECT `a` FROM t", "SELECT [a] FROM t", "SELECT $$a$$",
		"SELECT 1 # 2", "SELECT 5--1", "SELECT 1 /* /* */ INTO t */", "SELECT 1\u00a0INTO t",
	} {
		if st := d.Parse(text); st.Kind != Unknown || st.SingleRead || st.Effect != Taints {
			t.Errorf("Parse(%q) = %v single=%v effect=%d, want unknown", text, st.Kind, st.SingleRead, st.Effect)
		}
	}
	if st := d.Parse("SELECT a FROM t WHERE b = ?"); !st.SingleRead {
		t.Error("a plain read is not recognised")
	}
	if _, ok := d.AppendArg(nil, 1); ok || d.Aborted(nil) || d.Transparent(nil) {
		t.Error("the generic dialect claims to know something")
	}
}

// FuzzLexical checks that no text with a writing word in it is a single read
// unless the word is in a literal, a comment or a longer word.
func FuzzLexical(f *testing.F) {
	for _, test := range lexicalTests {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, l := range lexicons {
			st := l.Lexical(text)
			if st == nil {
				t.Fatalf("%s: nil for %q", name, text)
			}
			if !st.SingleRead && st.Kind != Read {
				continue
			}
			s := l.Scan(text)
			for tok, ok := s.Next(); ok; tok, ok = s.Next() {
				switch w := tok.keyword(); {
				case tok.Kind == Unterminated, w == "INSERT", w == "DELETE", w == "INTO", w == "DROP", w == "COMMIT":
					t.Fatalf("%s: %q is a read, with %q", name, text, tok.Text)
				}
			}
		}
	})
}
