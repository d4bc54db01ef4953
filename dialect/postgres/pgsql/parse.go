package pgsql

import (
	"github.com/sqlc-dev/oliphant"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/querycache/querycache/dialect"
)

// Parse implements [dialect.Dialect].
func (Dialect) Parse(text string) *dialect.Statement {
	st := dialect.Analyse(lexicon, text, parse, analyse)
	if st.SingleRead && st.Refuse == dialect.ReasonUnparsable {
		st.Calls = true // functions that only the catalog can judge
	}
	return st
}

// parse returns the statements of a text as generic messages: nothing here
// depends on the Go types of the parser, so that another with the same
// protobuf can take its place.
func parse(text string) (stmts []protoreflect.Message, err error) {
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
