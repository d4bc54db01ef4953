package sqlite

import (
	"reflect"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/querycache/querycache/dialect"
)

// A walker collects the names of one statement. It visits every field of
// every node, so that a node it has never heard of still yields its tables.
type walker struct {
	st *dialect.Statement
}

// A scope is the names of the CTEs that are visible, innermost first.
type scope struct {
	up   *scope
	name string
}

func (sc *scope) has(name string) bool {
	for ; sc != nil; sc = sc.up {
		if sc.name == name {
			return true
		}
	}
	return false
}

// node visits a node, a pointer to a struct. Fields that are dealt with here
// are taken out of a copy, which is then visited like any other node.
func (w *walker) node(node any, sc *scope) {
	switch n := node.(type) {
	case *ast.SelectStmt:
		if n.With != nil {
			c := *n
			c.With, sc = nil, w.with(n.With, sc)
			node = &c
		}
	case *ast.InsertStmt:
		c := *n
		w.target(n.Table, insertOps(n))
		c.With, c.Table, sc = nil, nil, w.with(n.With, sc)
		node = &c
	case *ast.UpdateStmt:
		c := *n
		w.target(n.Table, conflictOps(dialect.Update, n.OrConflict))
		c.With, c.Table, sc = nil, nil, w.with(n.With, sc)
		node = &c
	case *ast.DeleteStmt:
		c := *n
		w.target(n.Table, dialect.Delete)
		c.With, c.Table, sc = nil, nil, w.with(n.With, sc)
		node = &c
	case *ast.TableRef:
		if n.Name != nil {
			c := *n
			w.relation(n.Name, n.HasArgs, sc)
			c.Name = nil
			node = &c
		}
	case *ast.InExpr:
		if n.Table != nil {
			c := *n
			w.relation(n.Table, n.HasArgs, sc)
			c.Table = nil
			node = &c
		}
	case *ast.QualifiedName:
		w.st.Reads = append(w.st.Reads, table(n))
		return
	case *ast.FuncCall:
		w.call(n.Name.Name)
	case *ast.LikeExpr:
		w.call(n.Op.Name)
	case *ast.BinaryExpr:
		if n.Op == ast.OpPtr || n.Op == ast.OpPtr2 {
			w.call(n.Op.String())
		}
	case *ast.Literal:
		switch n.Kind {
		case ast.LitCurrentDate, ast.LitCurrentTime, ast.LitCurrentTimestamp:
			w.call(n.Raw)
		}
		return
	}
	w.value(reflect.Indirect(reflect.ValueOf(node)), sc)
}

// with visits a WITH clause and returns the scope with its names. SQLite lets
// an earlier CTE see a later one, with or without RECURSIVE; to take the
// later name for a relation there only reports more.
func (w *walker) with(n *ast.With, sc *scope) *scope {
	if n == nil {
		return sc
	}
	if n.Recursive {
		for _, c := range n.CTEs {
			sc = &scope{up: sc, name: dialect.Fold(c.Name.Name)}
		}
	}
	for _, c := range n.CTEs {
		w.node(c, sc)
		sc = &scope{up: sc, name: dialect.Fold(c.Name.Name)}
	}
	return sc
}

// relation records a name in FROM or behind IN: a CTE, a relation, or a
// table-valued function. Functions of unknown modules may read anything.
func (w *walker) relation(n *ast.QualifiedName, hasArgs bool, sc *scope) {
	t := table(n)
	switch {
	case hasArgs:
		w.call(t.Name)
		if t.Schema != "" || !tableFunctions[t.Name] {
			reason := dialect.ReasonVirtualTable
			if isSystem(t.Name) {
				reason = dialect.ReasonSystemTable
			}
			w.refuse(reason)
		}
	case t.Schema != "" || !sc.has(t.Name):
		w.st.Reads = append(w.st.Reads, t)
	}
}

// call records a function and what it means for the statement.
func (w *walker) call(name string) {
	name = dialect.Fold(name)
	w.st.Functions = append(w.st.Functions, name)
	w.refuse(functionReason(name))
	if mighty[name] {
		w.st.Kind, w.st.SingleRead, w.st.Effect = dialect.Unknown, false, dialect.Taints
		w.st.Refuse = dialect.ReasonVolatile
	}
}

// refuse keeps the first reason, or the first that nobody can vouch for.
func (w *walker) refuse(reason dialect.Reason) { w.st.Refuse = w.st.Refuse.Or(reason) }

func (w *walker) target(n *ast.QualifiedName, ops dialect.Op) {
	w.st.Writes = append(w.st.Writes, dialect.Target{Table: table(n), Ops: ops})
}

// define records the relation that DDL makes or changes, and takes it out of
// the node, where it would count as read.
func (w *walker) define(name **ast.QualifiedName, temp bool) {
	w.target(*name, anyOp)
	w.taintTemp(temp || inTemp(*name))
	*name = nil
}

func (w *walker) taintTemp(temp bool) {
	if temp {
		w.st.Effect = dialect.Taints
	}
}

// collect runs visit and returns the statement that it has collected. A tree
// of a shape that no visit is ready for makes the statement unknown.
func (w *walker) collect(visit func()) (st *dialect.Statement) {
	defer func() {
		if recover() != nil {
			st = dialect.Opaque(dialect.ReasonUnparsable)
		}
	}()
	visit()
	w.st.Normalise()
	return w.st
}

// insertOps are the operations of an INSERT: OR REPLACE deletes the rows that
// are in its way.
func insertOps(n *ast.InsertStmt) dialect.Op {
	ops := conflictOps(dialect.Insert, n.OrConflict)
	if n.Replace {
		ops |= dialect.Delete
	}
	for _, u := range n.Upserts {
		if !u.DoNothing {
			ops |= dialect.Update
		}
	}
	return ops
}

func conflictOps(op dialect.Op, c ast.ConflictAction) dialect.Op {
	if c == ast.ConflictReplace {
		op |= dialect.Delete
	}
	return op
}

// table folds a name: SQLite ignores case in quoted names too.
func table(n *ast.QualifiedName) dialect.Table {
	t := dialect.Table{Name: dialect.Fold(n.Name.Name)}
	if n.Schema != nil {
		t.Schema = dialect.Fold(n.Schema.Name)
	}
	return t
}

func inTemp(n *ast.QualifiedName) bool { return table(n).Schema == "temp" }
