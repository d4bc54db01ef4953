package dialect

// A Lexicon is what the scanner has to know to tell code from literals and
// comments.
type Lexicon struct {
	// Backticks and Brackets are quotes of identifiers: `a`, [a].
	Backticks, Brackets bool
	// DollarQuotes are PostgreSQL's $tag$ … $tag$.
	DollarQuotes bool
	// EscapeStrings are PostgreSQL's E'…' with backslash escapes.
	EscapeStrings bool
	// BackslashEscapes: a backslash escapes the next byte in every '…' and
	// "…" literal (MySQL).
	BackslashEscapes bool
	// NestedComments: /* /* */ */ is one comment.
	NestedComments bool
	// HashComments: # starts a comment to the end of the line (MySQL), and
	// -- does so only in front of white space.
	HashComments bool
	// Ambiguous: the server is not known. Scanning ends with an
	// [Unterminated] token at the first byte that servers read in different
	// ways; the other fields are not used.
	Ambiguous bool
}
