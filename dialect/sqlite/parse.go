package sqlite

import (
	"github.com/sqlc-dev/meyer/ast"
	"github.com/sqlc-dev/meyer/parser"

	"github.com/querycache/querycache/dialect"
)

// Parse implements [dialect.Dialect].
func (sqlite) Parse(text string) *dialect.Statement {
	return dialect.Analyse(lexicon, text, parser.ParseString, analyse)
}

// anyOp are the operations of DDL: it may do all of them to its target.
const anyOp = dialect.Insert | dialect.Update | dialect.Delete | dialect.Truncate

// analyse analyses one statement.
func analyse(s ast.Stmt) *dialect.Statement {
	w := &walker{st: &dialect.Statement{Refuse: dialect.ReasonNotRead}}
	return w.collect(func() { w.statement(s) })
}

// statement sets the kind and visits what can hold names. A type that is
// listed neither here nor in [walker.schema] is Unknown.
func (w *walker) statement(s ast.Stmt) {
	st := w.st
	switch n := s.(type) {
	case *ast.SelectStmt:
		st.Kind, st.Refuse, st.SingleRead = dialect.Read, "", true
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		st.Kind = dialect.Write
	case *ast.ExplainStmt:
		if p, ok := n.Stmt.(*ast.PragmaStmt); ok {
			w.pragma(p) // many run while they are prepared
			return
		}
		inner := analyse(n.Stmt)
		st.Kind, st.Reads, st.Functions = dialect.Neutral, inner.Reads, inner.Functions
		return
	case *ast.PragmaStmt:
		w.pragma(n)
		return
	case *ast.BeginStmt:
		st.Kind = dialect.Begin
	case *ast.CommitStmt:
		st.Kind = dialect.Commit
	case *ast.RollbackStmt:
		st.Kind = dialect.Rollback
		if n.Savepoint != nil {
			st.Kind, st.Savepoint = dialect.RollbackTo, dialect.Fold(n.Savepoint.Name)
		}
	case *ast.SavepointStmt:
		st.Kind, st.Savepoint = dialect.Savepoint, dialect.Fold(n.Name.Name)
	case *ast.ReleaseStmt:
		st.Kind, st.Savepoint = dialect.Release, dialect.Fold(n.Name.Name)
	case *ast.AttachStmt, *ast.DetachStmt:
		st.Kind, st.Effect = dialect.SessionState, dialect.Taints
	case *ast.AnalyzeStmt:
		// It writes the statistics, which no cached statement may read.
		st.Kind = dialect.Neutral
		return
	case *ast.VacuumStmt:
		// VACUUM may give rows without an INTEGER PRIMARY KEY new rowids.
		st.Kind = dialect.DDL
	case *ast.ReindexStmt:
		// A collation that has changed shows in the answers from now on.
		st.Kind = dialect.DDL
		return
	default:
		w.schema(s)
		return
	}
	w.node(s, nil)
}

// schema analyses the statements that change the schema. What is made in the
// schema "temp" is seen by its session only, and hides other names there.
func (w *walker) schema(s ast.Stmt) {
	w.st.Kind = dialect.DDL
	switch n := s.(type) {
	case *ast.CreateTableStmt:
		c := *n
		w.define(&c.Name, n.Temp)
		w.node(&c, nil)
	case *ast.CreateViewStmt:
		c := *n
		w.define(&c.Name, n.Temp)
		w.node(&c, nil)
	case *ast.CreateTriggerStmt:
		c := *n
		w.define(&c.Table, n.Temp || inTemp(n.Name))
		c.Name = nil
		w.node(&c, nil)
	case *ast.CreateVirtualTableStmt:
		w.define(&n.Name, false)
	case *ast.CreateIndexStmt:
		c := *n
		w.target(&ast.QualifiedName{Schema: n.Name.Schema, Name: n.Table}, anyOp)
		c.Name = nil
		w.node(&c, nil)
	case *ast.AlterTableStmt:
		c := *n
		w.define(&c.Table, false)
		if n.Action == ast.AlterRenameTable && n.NewName != nil {
			w.target(&ast.QualifiedName{Schema: n.Table.Schema, Name: n.NewName}, anyOp)
		}
		w.node(&c, nil)
	case *ast.DropTableStmt:
		w.target(n.Name, anyOp)
		w.taintTemp(inTemp(n.Name))
	case *ast.DropViewStmt:
		w.target(n.Name, anyOp)
		w.taintTemp(inTemp(n.Name))
	case *ast.DropIndexStmt:
	case *ast.DropTriggerStmt:
		w.taintTemp(inTemp(n.Name))
	default:
		*w.st = *dialect.Opaque(dialect.ReasonUnanalysed)
		w.node(s, nil)
	}
}
