package dialect

import (
	"iter"
	"strings"
)

// Comments returns the comments of text in order, up to the first place from
// where the text cannot be told apart (see [Unterminated]).
func (l Lexicon) Comments(text string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		s := l.Scan(text)
		for t, ok := s.Next(); ok; t, ok = s.Next() {
			if t.isComment() && !yield(t) {
				return
			}
		}
	}
}

// Strip returns text without its comments and without white space around it.
// A comment becomes one space where there is none next to it; other white
// space and all literals stay as they are. Comments that instruct a server
// (/*+ … */, /*! … */, /*M! … */) stay. A text that ends in an [Unterminated]
// token is returned unchanged. Strip allocates only if there is a comment to
// take out; stripping twice is stripping once.
func (l Lexicon) Strip(text string) string {
	var out []byte
	kept := 0 // text up to here is in out or was a comment
	s := l.Scan(text)
	for t, ok := s.Next(); ok; t, ok = s.Next() {
		if t.Kind == Unterminated {
			return text
		}
		if !t.isComment() || t.instructs() {
			continue
		}
		if strings.HasSuffix(text[:t.Pos], "--") {
			return text // MySQL reads "--" in front of a space as a comment
		}
		if out == nil {
			out = make([]byte, 0, len(text))
		}
		out = append(out, text[kept:t.Pos]...)
		kept = t.Pos + len(t.Text)
		if len(out) > 0 && !isSpace(out[len(out)-1]) && kept < len(text) && !isSpace(text[kept]) {
			out = append(out, ' ')
		}
	}
	if out == nil {
		return strings.Trim(text, spaces)
	}
	return strings.Trim(string(append(out, text[kept:]...)), spaces)
}

const spaces = " \t\n\v\f\r"

func (t Token) isComment() bool { return t.Kind == BlockComment || t.Kind == LineComment }

// instructs reports whether a server may read the comment: optimizer hints,
// and the code that MySQL and MariaDB run.
func (t Token) instructs() bool { return strings.HasPrefix(t.Text, "/*+") || t.isCode() }

func (t Token) isCode() bool {
	return strings.HasPrefix(t.Text, "/*!") || strings.HasPrefix(t.Text, "/*M!")
}

// dashes is a comment, or a minus: MySQL wants white space behind "--".
func (s *Scanner) dashes(i int) (TokenKind, int) {
	if c := s.at(i + 2); c > ' ' && c != 0x7f {
		if s.lex.Ambiguous {
			return Unterminated, -1
		}
		if s.lex.HashComments {
			return Operator, i + 1
		}
	}
	return LineComment, s.lineEnd(i)
}

// lineEnd returns the end of the line comment at i. PostgreSQL ends it at a
// lone carriage return, SQLite and MySQL do not. Either mistake would take
// code for a comment or a literal for code, so nobody gets to make it.
func (s *Scanner) lineEnd(i int) int {
	n := strings.IndexAny(s.text[i:], "\r\n")
	if n < 0 {
		return len(s.text)
	}
	if end := i + n; s.text[end] == '\n' || end+1 == len(s.text) || s.text[end+1] == '\n' {
		return end
	}
	return -1
}

// blockEnd returns the end of the block comment at i, or -1.
func (s *Scanner) blockEnd(i int) int {
	end := s.closing(i + 2)
	if end < 0 {
		return -1
	}
	t := Token{Kind: BlockComment, Text: s.text[i:end]}
	// Where a server runs the comment, a quote in it hides its end.
	if t.isCode() && (s.lex.Ambiguous || strings.ContainsAny(t.Text, "'\"`")) {
		return -1
	}
	return end
}

// closing returns the position behind the */ that closes a comment whose
// text begins at i, or -1.
func (s *Scanner) closing(i int) int {
	depth := 1
	for ; i+1 < len(s.text); i++ {
		switch {
		case s.text[i] == '/' && s.text[i+1] == '*':
			if s.lex.Ambiguous {
				return -1 // some servers nest comments
			}
			if s.lex.NestedComments {
				depth++
				i++
			}
		case s.text[i] == '*' && s.text[i+1] == '/':
			if depth--; depth == 0 {
				return i + 2
			}
			i++
		}
	}
	return -1
}
