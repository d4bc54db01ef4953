package dialect

import "strings"

// quoted returns the end of the literal whose opening quote is at i, or -1.
// A doubled quote stands for itself.
func (s *Scanner) quoted(i int, backslash bool) int {
	q := s.text[i]
	if s.lex.Ambiguous && s.at(i+1) == q && s.at(i+2) == q {
		return -1 // some servers have '''…''' literals
	}
	for j := i + 1; j < len(s.text); j++ {
		switch s.text[j] {
		case q:
			if s.at(j+1) != q {
				return j + 1
			}
			j++
		case '\\':
			if s.lex.Ambiguous {
				return -1
			}
			if backslash {
				j++
			}
		}
	}
	return -1
}

// escapeString returns the end of PostgreSQL's E'…' whose quote is at i. A
// literal that goes on behind a line break is one with it: the backslash
// keeps its meaning there. A block comment in between makes that a syntax
// error; it counts as space here, so that taking it out changes no token.
func (s *Scanner) escapeString(i int) int {
	end := s.quoted(i, true)
	for end >= 0 {
		rest := Scanner{lex: s.lex, text: s.text, pos: end}
		next, breaks := rest.skipComments()
		if !breaks || s.at(next) != '\'' {
			return end
		}
		end = s.quoted(next, true)
	}
	return -1
}

// skipComments skips space and comments. It reports whether there was a line
// break outside of block comments.
func (s *Scanner) skipComments() (next int, breaks bool) {
	for {
		from := s.pos
		i := s.skipSpace()
		breaks = breaks || strings.ContainsAny(s.text[from:i], "\r\n")
		switch {
		case s.at(i) == '-' && s.at(i+1) == '-':
			s.pos = s.lineEnd(i)
		case s.at(i) == '/' && s.at(i+1) == '*':
			s.pos = s.blockEnd(i)
		default:
			return i, breaks
		}
		if s.pos < 0 {
			return i, breaks
		}
	}
}

// dollar is a dollar quote, a parameter, or the sign alone.
func (s *Scanner) dollar(i int) (TokenKind, int) {
	if s.lex.DollarQuotes || s.lex.Ambiguous {
		end := i + 1
		if isWordStart(s.at(end)) {
			for isWordByte(s.at(end)) && s.at(end) != '$' {
				end++
			}
		}
		if s.at(end) == '$' {
			if s.lex.Ambiguous {
				return Unterminated, -1
			}
			tag := s.text[i : end+1]
			n := strings.Index(s.text[end+1:], tag)
			if n < 0 {
				return Unterminated, -1
			}
			return StringLiteral, end + 1 + n + len(tag)
		}
	}
	if s.lex.DollarQuotes && isDigit(s.at(i+1)) {
		end := i + 1
		for isDigit(s.at(end)) {
			end++ // $1$$x$$ is a parameter and a literal
		}
		return Parameter, end
	}
	return s.variable(i)
}
