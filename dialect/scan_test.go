package dialect

import (
	"fmt"
	"strings"
	"testing"
)

var lexicons = map[string]Lexicon{
	"standard": {},
	"postgres": {DollarQuotes: true, EscapeStrings: true, NestedComments: true},
	"mysql":    {Backticks: true, BackslashEscapes: true, HashComments: true},
	"sqlite":   {Backticks: true, Brackets: true},
	"generic":  {Ambiguous: true},
}

var kindLetters = map[TokenKind]string{
	Word: "w", QuotedIdentifier: "q", StringLiteral: "s", Number: "n", Parameter: "p",
	Operator: "o", BlockComment: "b", LineComment: "l", Unterminated: "!",
}

// dump writes tokens as letter:text, separated by " | ".
func dump(l Lexicon, text string) string {
	var out []string
	s := l.Scan(text)
	for t, ok := s.Next(); ok; t, ok = s.Next() {
		out = append(out, kindLetters[t.Kind]+":"+t.Text)
	}
	return strings.Join(out, " | ")
}

var scanTests = []struct{ lexicon, text, want string }{
	{"standard", "", ""},
	{"standard", " \t\r\n\f\v", ""},
	{"standard", "SELECT a1,_b$ FROM t;", "w:SELECT | w:a1 | o:, | w:_b$ | w:FROM | w:t | o:;"},
	{"standard", "'it''s' x", "s:'it''s' | w:x"},
	{"standard", `'a\' x`, `s:'a\' | w:x`},
	{"standard", `"a""b"c`, `q:"a""b" | w:c`},
	{"standard", "'abc", "!:'abc"},
	{"standard", `"abc''`, `!:"abc''`},
	{"standard", "a -- 'x\nb", "w:a | l:-- 'x | w:b"},
	{"standard", "a--x\r\nb", "w:a | l:--x | w:b"},
	{"standard", "a --x\rb", "w:a | !:--x\rb"},
	{"standard", "a --x\r", "w:a | l:--x"},
	{"standard", "a/*'*/b", "w:a | b:/*'*/ | w:b"},
	{"standard", "/*/ a */b", "b:/*/ a */ | w:b"},
	{"standard", "/* a /* b */ c */", "b:/* a /* b */ | w:c | o:* | o:/"},
	{"standard", "/* a", "!:/* a"},
	{"standard", "/*", "!:/*"},
	{"standard", "'/* no */' /* yes */", "s:'/* no */' | b:/* yes */"},
	{"standard", "1 1.5 1e5 1e-5 0xFF 1INTO 1e", "n:1 | n:1.5 | n:1e5 | n:1e-5 | n:0xFF | n:1 | w:INTO | n:1 | w:e"},
	{"standard", "0xFINTO 1.INTO", "n:0xF | w:INTO | n:1. | w:INTO"},
	{"standard", "a::int := b", "w:a | o::: | w:int | o::= | w:b"},
	{"standard", "X'ab' x'' e'a\\'", "s:X'ab' | s:x'' | w:e | s:'a\\'"},
	{"standard", "? ?1 :a @a $a @@a : @", "p:? | p:?1 | p::a | p:@a | p:$a | p:@@a | o:: | o:@"},
	{"standard", "\ufeffDELETE", "w:DELETE"},
	{"standard", "\xff\x01", "w:\xff | o:\x01"},

	{"postgres", `E'a\'b' 'c\'`, `s:E'a\'b' | s:'c\'`},
	{"postgres", `e'a''b\\'x`, `s:e'a''b\\' | w:x`},
	{"postgres", "E'a'\n 'b\\'c' d", "s:E'a'\n 'b\\'c' | w:d"},
	{"postgres", "E'a' -- x\n 'b\\'c' d", "s:E'a' -- x\n 'b\\'c' | w:d"},
	{"postgres", "E'a' 'b\\'c", "s:E'a' | s:'b\\' | w:c"},
	{"postgres", "E'a'/*\n*/'b'", "s:E'a' | b:/*\n*/ | s:'b'"},
	{"postgres", `U&'d\0061t' U&"x"`, `w:U | o:& | s:'d\0061t' | w:U | o:& | q:"x"`},
	{"postgres", "$$ ' $a $$ x", "s:$$ ' $a $$ | w:x"},
	{"postgres", "$q$ $$ $qq$ $q$x", "s:$q$ $$ $qq$ $q$ | w:x"},
	{"postgres", "$q$ $Q$", "!:$q$ $Q$"},
	{"postgres", "a$$b", "w:a$$b"},
	{"postgres", "$1$$x$$ $1 $12", "p:$1 | s:$$x$$ | p:$1 | p:$12"},
	{"postgres", "/* a /* b */ c */ d", "b:/* a /* b */ c */ | w:d"},
	{"postgres", "a #> b [1:x]", "w:a | o:# | o:> | w:b | o:[ | n:1 | p::x | o:]"},
	{"postgres", "`", "o:`"},

	{"mysql", `'a\'b' "c\"d" x`, `s:'a\'b' | q:"c\"d" | w:x`},
	{"mysql", "`a``b` # c\nd", "q:`a``b` | l:# c | w:d"},
	{"mysql", "`a\\` d", "q:`a\\` | w:d"},
	{"mysql", "5--1 -- c", "n:5 | o:- | o:- | n:1 | l:-- c"},
	{"mysql", "/*! STRAIGHT */ x", "b:/*! STRAIGHT */ | w:x"},
	{"mysql", "/*! '*/' */ x", "!:/*! '*/' */ x"},
	{"mysql", "@`a b` @'x'", "o:@ | q:`a b` | o:@ | s:'x'"},

	{"sqlite", "[a'b] `c` #p $a::b", "q:[a'b] | q:`c` | p:#p | p:$a::b"},
	{"sqlite", "[abc", "!:[abc"},
	{"sqlite", "$a(') /* x */ ')", "!:$a(') /* x */ ')"},
	{"sqlite", "5--1\n6", "n:5 | l:--1 | n:6"},

	{"generic", "/* c */ SELECT 'a', \"b\" -- d", "b:/* c */ | w:SELECT | s:'a' | o:, | q:\"b\" | l:-- d"},
	{"generic", `a 'x\y' b`, `w:a | !:'x\y' b`},
	{"generic", "a `b`", "w:a | !:`b`"},
	{"generic", "a [b]", "w:a | !:[b]"},
	{"generic", "a # b", "w:a | !:# b"},
	{"generic", "a $$b$$", "w:a | !:$$b$$"},
	{"generic", "a $b$ c", "w:a | !:$b$ c"},
	{"generic", "a $1 $b ?", "w:a | p:$1 | p:$b | p:?"},
	{"generic", "5--1", "n:5 | !:--1"},
	{"generic", "5 // 1", "n:5 | !:// 1"},
	{"generic", "/* a /* b */ c", "!:/* a /* b */ c"},
	{"generic", "/*/*/ c", "!:/*/*/ c"},
	{"generic", "/*! a */ c", "!:/*! a */ c"},
	{"generic", "q'[it's]'", "!:q'[it's]'"},
	{"generic", "'''x'''", "!:'''x'''"},
	{"generic", "naïve a\u00a0b", "w:naïve | !:a\u00a0b"},
	{"generic", "\u3000DELETE", "!:\u3000DELETE"},
}

func TestScan(t *testing.T) {
	for _, test := range scanTests {
		if got := dump(lexicons[test.lexicon], test.text); got != test.want {
			t.Errorf("%s: %q:\n got %s\nwant %s", test.lexicon, test.text, got, test.want)
		}
	}
}

// FuzzScan checks that tokens and white space make up the source, that
// stripping takes out comments and nothing else, and that it is idempotent.
func FuzzScan(f *testing.F) {
	for _, test := range scanTests {
		f.Add(test.text)
	}
	for _, test := range stripTests {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, l := range lexicons {
			if err := checkScan(l, text); err != nil {
				t.Fatalf("%s: %q: %v", name, text, err)
			}
		}
	})
}

func checkScan(l Lexicon, text string) error {
	pos, last := 0, TokenKind(0)
	var want []string
	s := l.Scan(text)
	for t, ok := s.Next(); ok; t, ok = s.Next() {
		gap := strings.ReplaceAll(text[pos:t.Pos], byteOrderMark, "")
		if strings.Trim(gap, spaces) != "" {
			return fmt.Errorf("%q was skipped in front of %q", gap, t.Text)
		}
		if t.Text == "" || text[t.Pos:t.Pos+len(t.Text)] != t.Text {
			return fmt.Errorf("token %q is not at %d", t.Text, t.Pos)
		}
		if last == Unterminated {
			return fmt.Errorf("token %q behind the last one", t.Text)
		}
		pos, last = t.Pos+len(t.Text), t.Kind
		if !t.isComment() || t.instructs() {
			want = append(want, kindLetters[t.Kind]+":"+t.Text)
		}
	}
	if rest := strings.ReplaceAll(text[pos:], byteOrderMark, ""); strings.Trim(rest, spaces) != "" {
		return fmt.Errorf("%q was left", rest)
	}
	stripped := l.Strip(text)
	if last == Unterminated {
		if stripped != text {
			return fmt.Errorf("unterminated, stripped to %q", stripped)
		}
		return nil
	}
	if again := l.Strip(stripped); again != stripped {
		return fmt.Errorf("stripped to %q, then to %q", stripped, again)
	}
	if got := dump(l, stripped); stripped != text && got != strings.Join(want, " | ") {
		return fmt.Errorf("stripped to %q:\n got %s\nwant %s", stripped, got, strings.Join(want, " | "))
	}
	return nil
}
