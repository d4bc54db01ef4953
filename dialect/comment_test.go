package dialect

import (
	"slices"
	"testing"
)

var stripTests = []struct{ lexicon, text, want string }{
	{"standard", "SELECT 1", "SELECT 1"},
	{"standard", "  SELECT  1 \n", "SELECT  1"},
	{"standard", "/* a */ SELECT 1 -- b", "SELECT 1"},
	{"standard", "SELECT/* a */1", "SELECT 1"},
	{"standard", "SELECT /* a */ 1", "SELECT  1"},
	{"standard", "SELECT/* a *//* b */1", "SELECT 1"},
	{"standard", "SELECT 1 -- a\n, 2", "SELECT 1 \n, 2"},
	{"standard", "a-/**/-b", "a- -b"},
	{"standard", "a/**/'--'", "a '--'"},
	{"standard", "SELECT '/* a */', \"-- b\" /* c */", "SELECT '/* a */', \"-- b\""},
	{"standard", "SELECT /*+ hint */ 1 /* a */", "SELECT /*+ hint */ 1"},
	{"standard", "SELECT /*! x */ 1 /*M! y */ /* a */", "SELECT /*! x */ 1 /*M! y */"},
	{"standard", "SELECT 'a /* b */ ", "SELECT 'a /* b */ "},
	{"standard", " SELECT 1 /* a", " SELECT 1 /* a"},
	{"standard", "/* a */", ""},
	{"postgres", "a /* b /* c */ d */ e", "a  e"},
	{"postgres", "$$ /* a */ $$ /* b */", "$$ /* a */ $$"},
	{"postgres", "E'a\\' /* b */' /* c */", "E'a\\' /* b */'"},
	{"postgres", "SELECT E'a' /* b */\n'c' /* d */", "SELECT E'a' /* b */\n'c'"},
	{"mysql", "a # b\nc", "a \nc"},
	{"mysql", "5--/**/ 1", "5--/**/ 1"},
	{"mysql", "'a\\' # b' # c", "'a\\' # b'"},
	{"sqlite", "[a -- b] -- c", "[a -- b]"},
	{"generic", "/* a */ SELECT 1", "SELECT 1"},
	{"generic", "/* a */ SELECT `b`", "/* a */ SELECT `b`"},
}

func TestStrip(t *testing.T) {
	for _, test := range stripTests {
		if got := lexicons[test.lexicon].Strip(test.text); got != test.want {
			t.Errorf("%s: Strip(%q) = %q, want %q", test.lexicon, test.text, got, test.want)
		}
	}
}

func TestStripAllocatesNothingWithoutComments(t *testing.T) {
	for _, text := range []string{benchText, "SELECT '/* a */', '-- b'", " SELECT 1 ", "SELECT /*+ a */ 1", "SELECT 'a"} {
		for name, l := range lexicons {
			if n := testing.AllocsPerRun(100, func() { l.Strip(text) }); n != 0 {
				t.Errorf("%s: Strip(%q) allocates %v times, want 0", name, text, n)
			}
		}
	}
}

func TestComments(t *testing.T) {
	tests := []struct {
		lexicon, text string
		want          []string
	}{
		{"standard", "SELECT 1", nil},
		{"standard", "/* a */ SELECT '/* b */' -- c\n/* d */", []string{"/* a */", "-- c", "/* d */"}},
		{"standard", "/* a */ 'b -- c", []string{"/* a */"}},
		{"mysql", "# a\nSELECT 1", []string{"# a"}},
		{"postgres", "$a$ /* b */ $a$ /* c */", []string{"/* c */"}},
		{"generic", "/* a */ SELECT 'b\\' /* c */'", []string{"/* a */"}},
	}
	for _, test := range tests {
		var got []string
		for c := range lexicons[test.lexicon].Comments(test.text) {
			got = append(got, c.Text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: Comments(%q) = %q, want %q", test.lexicon, test.text, got, test.want)
		}
	}
	for c := range (Lexicon{}).Comments("/* a */ /* b */") {
		if c.Text != "/* a */" {
			t.Errorf("got %q, want the first comment only", c.Text)
		}
		break
	}
}

const benchText = `SELECT b.id, b.title, count(*) AS n FROM books AS b JOIN authors AS a ON a.id = b.author_id
 WHERE a.name = ? AND b.price > 10.5 AND b.title <> 'it''s' GROUP BY b.id, b.title ORDER BY n DESC LIMIT 20`

func BenchmarkScan(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(benchText)))
	for b.Loop() {
		s := lexicons["postgres"].Scan(benchText)
		for _, ok := s.Next(); ok; _, ok = s.Next() {
		}
	}
}

func BenchmarkStrip(b *testing.B) {
	for name, text := range map[string]string{"none": benchText, "comment": "/* trace=1 */ " + benchText} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				lexicons["postgres"].Strip(text)
			}
		})
	}
}

func BenchmarkLexical(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		lexicons["postgres"].Lexical(benchText)
	}
}
