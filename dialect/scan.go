package dialect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// TokenKind says what a [Token] is.
type TokenKind uint8

// The kinds of token. White space is no token.
const (
	// Word is a bare identifier or keyword.
	Word TokenKind = iota + 1
	// QuotedIdentifier is "…", and `…` or […] where the dialect has them.
	// MySQL reads "…" as a string unless told otherwise.
	QuotedIdentifier
	// StringLiteral is '…', E'…', X'…' or $tag$ … $tag$.
	StringLiteral
	// Number is an unsigned numeric literal.
	Number
	// Parameter is a placeholder or variable: ? ?1 $1 :a @a $a.
	Parameter
	// Operator is punctuation: one byte, or one of "::" and ":=".
	Operator
	// BlockComment is /* … */.
	BlockComment
	// LineComment runs from -- or # to the end of the line, without it.
	LineComment
	// Unterminated is the rest of the text from where it cannot be told
	// apart any more: a literal or comment without an end, or something
	// that servers read in different ways. It is always the last token.
	Unterminated
)

// A Token is a piece of a text.
type Token struct {
	Kind TokenKind
	Text string // a slice of the source
	Pos  int    // its offset in bytes
}

// A Scanner splits a text into tokens. It never fails and allocates nothing;
// tokens and the white space between them make up the source. A Scanner is
// not safe for concurrent use.
type Scanner struct {
	lex  Lexicon
	text string
	pos  int
}

// Scan returns a scanner of text.
func (l Lexicon) Scan(text string) Scanner { return Scanner{lex: l, text: text} }

// Next returns the next token. It reports false at the end of the text.
func (s *Scanner) Next() (Token, bool) {
	start := s.skipSpace()
	if start >= len(s.text) {
		return Token{}, false
	}
	kind, end := s.token(start)
	if end < 0 {
		kind, end = Unterminated, len(s.text)
	}
	s.pos = end
	return Token{Kind: kind, Text: s.text[start:end], Pos: start}, true
}

const byteOrderMark = "\ufeff"

// skipSpace skips byte order marks too: SQLite takes one between two tokens
// for white space, and what follows it is code.
func (s *Scanner) skipSpace() int {
	for s.pos < len(s.text) {
		switch {
		case isSpace(s.text[s.pos]):
			s.pos++
		case strings.HasPrefix(s.text[s.pos:], byteOrderMark):
			s.pos += len(byteOrderMark)
		default:
			return s.pos
		}
	}
	return s.pos
}

// token returns the kind and end of the token that begins at i; the end is
// negative if it has none.
func (s *Scanner) token(i int) (TokenKind, int) {
	c := s.text[i]
	switch {
	case c == '\'':
		return StringLiteral, s.quoted(i, s.lex.BackslashEscapes)
	case c == '"':
		return QuotedIdentifier, s.quoted(i, s.lex.BackslashEscapes)
	case c == '-' && s.at(i+1) == '-':
		return s.dashes(i)
	case c == '/' && s.at(i+1) == '*':
		return BlockComment, s.blockEnd(i)
	case isWordStart(c):
		return s.word(i)
	case isDigit(c):
		return Number, s.numberEnd(i)
	case c == '$':
		return s.dollar(i)
	case c == '?':
		end := i + 1
		for isDigit(s.at(end)) {
			end++
		}
		return Parameter, end
	case c == ':' && (s.at(i+1) == ':' || s.at(i+1) == '='):
		return Operator, i + 2
	case c == ':' || c == '@':
		return s.variable(i)
	}
	if s.lex.Ambiguous {
		// Quotes of some servers, operators or errors of others; and //
		// starts a comment on some.
		if c == '`' || c == '[' || c == '#' || c == '/' && s.at(i+1) == '/' {
			return Unterminated, -1
		}
		return Operator, i + 1
	}
	switch {
	case c == '`' && s.lex.Backticks:
		return QuotedIdentifier, s.quoted(i, false)
	case c == '[' && s.lex.Brackets:
		if n := strings.IndexByte(s.text[i:], ']'); n >= 0 {
			return QuotedIdentifier, i + n + 1
		}
		return Unterminated, -1
	case c == '#' && s.lex.HashComments:
		return LineComment, s.lineEnd(i)
	case c == '#' && s.lex.Brackets:
		return s.variable(i) // SQLite lexes #a like @a
	}
	return Operator, i + 1
}

// word is a bare word, or the literal that it is the prefix of.
func (s *Scanner) word(i int) (TokenKind, int) {
	end := s.wordEnd(i)
	word := s.text[i:end]
	if s.lex.Ambiguous && !isPlain(word) {
		return Unterminated, -1 // some servers know more kinds of space
	}
	if s.at(end) != '\'' {
		return Word, end
	}
	switch last := word[len(word)-1] | 0x20; {
	case s.lex.Ambiguous && last == 'q':
		return Unterminated, -1 // Oracle's q'[…]'
	case len(word) > 1:
		return Word, end
	case last == 'x':
		return StringLiteral, s.quoted(end, s.lex.BackslashEscapes)
	case last == 'e' && s.lex.EscapeStrings:
		return StringLiteral, s.escapeString(end)
	}
	return Word, end
}

func (s *Scanner) wordEnd(i int) int {
	for i < len(s.text) && isWordByte(s.text[i]) {
		i++
	}
	return i
}

// numberEnd stops at the first letter that is no part of the number: there
// are servers that read 1INTO as two words.
func (s *Scanner) numberEnd(i int) int {
	if s.text[i] == '0' && s.at(i+1)|0x20 == 'x' {
		i += 2
		for isDigit(s.at(i)) || 'a' <= s.at(i)|0x20 && s.at(i)|0x20 <= 'f' || s.at(i) == '_' {
			i++
		}
		return i
	}
	for isDigit(s.at(i)) || s.at(i) == '.' || s.at(i) == '_' {
		i++
	}
	if s.at(i)|0x20 == 'e' {
		j := i + 1
		if s.at(j) == '+' || s.at(j) == '-' {
			j++
		}
		if isDigit(s.at(j)) {
			for isDigit(s.at(j)) {
				j++
			}
			return j
		}
	}
	return i
}

// variable is a named parameter, or the sigil alone.
func (s *Scanner) variable(i int) (TokenKind, int) {
	end := i + 1
	for s.at(end) == '@' {
		end++ // MySQL's @@name
	}
	name := end
	end = s.wordEnd(end)
	for s.lex.Brackets && s.at(end) == ':' && s.at(end+1) == ':' {
		end = s.wordEnd(end + 2) // SQLite's $a::b
	}
	if end == name {
		return Operator, i + 1
	}
	// In SQLite the parameter $a(…) may hold a quote between its brackets.
	if (s.lex.Brackets || s.lex.Ambiguous) && s.at(end) == '(' {
		return Unterminated, -1
	}
	return Parameter, end
}

// at returns the byte at i, or 0 beyond the end.
func (s *Scanner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWordStart(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= utf8.RuneSelf
}

func isWordByte(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }

// isPlain reports whether a word is made of letters and digits everywhere.
func isPlain(word string) bool {
	for _, r := range word {
		if r >= utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return false
		}
	}
	return true
}
