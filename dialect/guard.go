package dialect

import (
	"strings"
	"unicode/utf8"
)

// Limits on what an analyser is given. Parsers are recursive, and quadratic
// in the depth of brackets at worst.
const (
	maxBytes   = 256 << 10
	maxNesting = 500
)

// Guard says why text must not be given to a parser: it is longer than 256
// KiB, its brackets nest deeper than 500, or it holds a NUL byte, behind
// which parsers see nothing, or invalid UTF-8. It returns "" if the text may
// be parsed. It takes time linear in the length of the text.
func (l Lexicon) Guard(text string) Reason {
	switch {
	case len(text) > maxBytes:
		return ReasonTooLong
	case strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text):
		return ReasonUnparsable
	case strings.Count(text, "(")+strings.Count(text, "[") <= maxNesting:
		return ""
	}
	depth := 0
	s := l.Scan(text)
	for t, ok := s.Next(); ok; t, ok = s.Next() {
		switch {
		case t.Kind == Unterminated:
			// A parser may go on where the scanner does not.
			depth += strings.Count(t.Text, "(") + strings.Count(t.Text, "[")
		case t.Text == "(" || t.Text == "[":
			depth++
		case t.Text == ")" || t.Text == "]":
			depth--
		}
		if depth > maxNesting {
			return ReasonTooLong
		}
	}
	return ""
}
