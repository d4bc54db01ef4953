package dialect

import "database/sql/driver"

var _ Dialect = generic{}

// Generic returns the dialect for a server that is not known. It analyses by
// words alone, and where a text holds something that servers read in
// different ways (a backslash in a literal, a backtick, a dollar quote, […])
// it is [Unknown] from the first word on, and no hint is found behind it.
// So nothing is cached without a tables= hint, and every write counts as a
// write of everything.
func Generic() Dialect { return generic{} }

type generic struct{}

func (generic) Name() string { return "generic" }

func (generic) Lexicon() Lexicon { return Lexicon{Ambiguous: true} }

func (g generic) Parse(text string) *Statement { return g.Lexicon().Lexical(text) }

// AppendArg knows no driver's types.
func (generic) AppendArg(dst []byte, _ any) ([]byte, bool) { return dst, false }

func (generic) Aborted(error) bool { return false }

func (generic) Transparent(driver.Connector) bool { return false }
