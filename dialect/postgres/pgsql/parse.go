package pgsql

import (
	"fmt"

	"github.com/sqlc-dev/oliphant"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/querycache/querycache/dialect"
)

// Parse implements [dialect.Dialect].
func (Dialect) Parse(text string) *dialect.Statement {
	if reason := lexicon.Guard(text); reason != "" {
		return lexicon.Unparsed(text, reason)
	}
	stmts, err := parse(text)
	if err != nil {
		st := lexicon.Unparsed(text, dialect.ReasonUnparsable)
		st.Calls = st.SingleRead // of functions that only the catalog can judge
		return st
	}
	switch len(stmts) {
	case 0:
		return &dialect.Statement{Kind: dialect.Neutral, Refuse: dialect.ReasonNotRead}
	case 1:
		return analyse(stmts[0])
	}
	parts := make([]*dialect.Statement, len(stmts))
	for i, s := range stmts {
		parts[i] = analyse(s)
	}
	return dialect.Join(parts)
}

// parse returns the statements of a text as generic messages: nothing here
// depends on the Go types of the parser, so that another with the same
// protobuf can take its place. It turns a panic of the parser into an error.
func parse(text string) (stmts []protoreflect.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("querycache: parser: %v", p)
		}
	}()
	tree, err := oliphant.Parse(text)
	if err != nil {
		return nil, err
	}
	for _, raw := range list(tree.ProtoReflect(), "stmts") {
		stmts = append(stmts, unwrap(child(raw, "stmt")))
	}
	return stmts, nil
}

// analyse analyses one statement. A tree of a shape that no visit is ready for
// makes the statement unknown.
func analyse(m protoreflect.Message) (st *dialect.Statement) {
	defer func() {
		if recover() != nil {
			st = dialect.Opaque(dialect.ReasonUnparsable)
		}
	}()
	w := &walker{st: &dialect.Statement{Refuse: dialect.ReasonNotRead}}
	w.statement(m)
	w.ofValues()
	w.st.Normalise()
	return w.st
}
