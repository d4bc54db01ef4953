package sqlite

import (
	"slices"
	"strings"
	"testing"

	"github.com/sqlc-dev/meyer/lexer"
	"github.com/sqlc-dev/meyer/token"

	"github.com/querycache/querycache/dialect"
)

// FuzzParse checks that a text that SQLite would run as a write is never a
// read, that comments do not matter, and that nothing panics.
func FuzzParse(f *testing.F) {
	for _, test := range parseTests {
		f.Add(test.text)
	}
	for _, test := range resolveTests {
		f.Add(test.text)
	}
	db := openDSN(f, ":memory:", schema)
	catalog := db.load()
	f.Fuzz(func(t *testing.T, text string) {
		st := Dialect().Parse(text)
		catalog.Resolve(st, dialect.Session{})
		if lexicon.Guard(text) != "" {
			if st.Kind != dialect.Unknown || st.SingleRead {
				t.Fatalf("%q: %s", text, describe(st))
			}
			return
		}
		// A vertical tab is space for SQLite only behind other space.
		if stripped := lexicon.Strip(text); !strings.Contains(text, "\v") && describe(Dialect().Parse(stripped)) != describe(st) {
			t.Fatalf("%q is %s, but %q is %s", text, describe(st), stripped, describe(Dialect().Parse(stripped)))
		}
		if st.Kind != dialect.Read && !st.SingleRead {
			return
		}
		db.t = t
		if _, written, ok := opcodes(db, text, map[int64]string{}); ok && len(written) > 0 {
			t.Fatalf("%q is %s, but writes", text, describe(st))
		}
	})
}

// FuzzComments checks the scanner against the parser's lexer: they must see
// the same comments.
func FuzzComments(f *testing.F) {
	for _, test := range parseTests {
		f.Add("/* a */" + strings.ReplaceAll(test.text, " ", " -- '\n"))
	}
	for _, text := range []string{"$a(') /* b */ '", "1abc' -- x'", "x'00' /**/ X'1' --", "[a -- b] `/*` \"--\" '/*'", "/*/ */ a", "a --b\r\nc", "\ufeff-- a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if lexicon.Guard(text) != "" {
			return
		}
		var got, want []string
		s := lexicon.Scan(text)
		for tok, ok := s.Next(); ok; tok, ok = s.Next() {
			switch tok.Kind {
			case dialect.Unterminated:
				return // the scanner claims nothing
			case dialect.BlockComment, dialect.LineComment:
				got = append(got, tok.Text)
			}
		}
		tokens, trivia := lexer.LexFile(text)
		for _, tok := range tokens {
			if tok.Kind == token.ILLEGAL {
				return // SQLite reads no further
			}
		}
		for _, tok := range trivia {
			if tok.Kind == token.COMMENT {
				// The scanner leaves a carriage return to the line break.
				want = append(want, strings.TrimSuffix(text[tok.Pos:tok.End], "\r"))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: comments %q, want %q", text, got, want)
		}
	})
}
