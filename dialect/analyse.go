package dialect

import "fmt"

// Analyse analyses a text with a dialect's parser, from which it keeps what would
// hurt it: see [Lexicon.Guard]. What the parser does not understand, or panics
// on, is as [Lexicon.Unparsed] has it.
func Analyse[S any](l Lexicon, text string, parse func(string) ([]S, error), analyse func(S) *Statement) *Statement {
	if reason := l.Guard(text); reason != "" {
		return l.Unparsed(text, reason)
	}
	stmts, err := Parsed(text, parse)
	if err != nil {
		return l.Unparsed(text, ReasonUnparsable)
	}
	switch len(stmts) {
	case 0:
		return &Statement{Kind: Neutral, Refuse: ReasonNotRead}
	case 1:
		return analyse(stmts[0])
	}
	parts := make([]*Statement, len(stmts))
	for i, s := range stmts {
		parts[i] = analyse(s)
	}
	return Join(parts)
}

// Parsed is parse, with a panic turned into an error.
func Parsed[S any](text string, parse func(string) ([]S, error)) (stmts []S, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("querycache: parser: %v", p)
		}
	}()
	return parse(text)
}
