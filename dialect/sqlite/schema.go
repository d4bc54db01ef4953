package sqlite

import (
	"github.com/sqlc-dev/meyer/ast"
	"github.com/sqlc-dev/meyer/parser"

	"github.com/querycache/querycache/dialect"
)

// definition parses the statement that sqlite_schema keeps of an object.
func definition[T ast.Stmt](sql string) (create T, ok bool) {
	if lexicon.Guard(sql) != "" {
		return create, false
	}
	stmts, err := dialect.Parsed(sql, parser.ParseString)
	if err != nil || len(stmts) != 1 {
		return create, false
	}
	create, ok = stmts[0].(T)
	return create, ok
}

// viewBody analyses the query of a view.
func viewBody(sql string) *dialect.Statement {
	create, ok := definition[*ast.CreateViewStmt](sql)
	if !ok || create.Select == nil {
		return dialect.Opaque(dialect.ReasonUnparsable)
	}
	return analyse(create.Select)
}

// parseTrigger returns what fires a trigger and what it writes. One that
// cannot be understood fires always and writes everything.
func parseTrigger(sql string) trigger {
	opaque := trigger{fires: anyOp, opaque: true}
	create, ok := definition[*ast.CreateTriggerStmt](sql)
	if !ok {
		return opaque
	}
	t := trigger{}
	switch create.Event {
	case "INSERT":
		t.fires = dialect.Insert
	case "UPDATE":
		t.fires = dialect.Update
	case "DELETE":
		t.fires = dialect.Delete
	default:
		return opaque
	}
	w := &walker{st: &dialect.Statement{Kind: dialect.Write}}
	st := w.collect(func() {
		for _, s := range create.Body {
			w.node(s, nil)
		}
		if create.When != nil {
			w.node(create.When, nil)
		}
	})
	if st.Kind != dialect.Write {
		return opaque // it calls a function that may do anything
	}
	t.writes = st.Writes
	return t
}

// replaces reports whether a constraint of a table deletes the rows that are
// in the way of a plain INSERT or UPDATE.
func replaces(sql string) bool {
	create, ok := definition[*ast.CreateTableStmt](sql)
	if !ok {
		return true
	}
	for _, column := range create.Columns {
		for _, c := range column.Constraints {
			if c.OnConflict == ast.ConflictReplace {
				return true
			}
		}
	}
	for _, c := range create.Constraints {
		if c.OnConflict == ast.ConflictReplace {
			return true
		}
	}
	return false
}
