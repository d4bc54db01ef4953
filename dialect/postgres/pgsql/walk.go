package pgsql

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/querycache/querycache/dialect"
)

// A walker collects the names of one statement. It visits every field of
// every node, so that a node it has never heard of still yields its tables.
type walker struct {
	st *dialect.Statement
	// writes: names of relations are targets, as in DDL outside of queries.
	writes dialect.Op
	// dml, into and locks: what was met anywhere in the statement.
	dml, into, locks bool
	// inherits: a table is made whose rows are also those of another.
	inherits bool
	// values are the names of functions in FROM: what is qualified with one
	// may be a field of a value.
	values  map[string]bool
	columns [][2]string // with what they are qualified with
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

// node visits a node.
func (w *walker) node(m message, sc *scope) {
	if m = unwrap(m); m == nil {
		return
	}
	switch kindOf(m) {
	case "RangeVar":
		w.relation(m, sc)
	case "SelectStmt":
		defer w.inQuery()()
		inner := w.with(m, sc)
		w.locks = w.locks || len(list(m, "locking_clause")) > 0
		if into := child(m, "into_clause"); into != nil {
			w.into = true
			w.target(child(into, "rel"), anyOp)
		}
		w.fields(m, inner, "with_clause", "into_clause", "locking_clause")
	case "InsertStmt":
		ops := dialect.Insert
		if c := child(m, "on_conflict_clause"); c != nil && enum(c, "action") != "ONCONFLICT_NOTHING" {
			ops |= dialect.Update
		}
		w.change(m, sc, ops)
	case "UpdateStmt":
		w.change(m, sc, dialect.Update)
	case "DeleteStmt":
		w.change(m, sc, dialect.Delete)
	case "MergeStmt":
		w.change(m, sc, mergeOps(m))
	case "FuncCall":
		w.call(m)
		w.fields(m, sc, "funcname")
	case "SQLValueFunction":
		w.valueFunction(strings.ToLower(strings.TrimPrefix(enum(m, "op"), "SVFOP_")))
	case "A_Expr", "SubLink":
		w.operator(names(list(m, "name")))
		w.operator(names(list(m, "oper_name")))
		if isPattern(m) {
			w.fields(m, sc, "rexpr")
			return
		}
		w.fields(m, sc)
	case "SortBy":
		w.operator(names(list(m, "use_op")))
		w.fields(m, sc)
	case "RangeTableSample":
		w.refuse(dialect.ReasonSample)
		w.fields(m, sc)
	case "TypeCast":
		w.cast(m)
		w.fields(m, sc)
	case "TypeName":
		w.typeName(m)
		w.fields(m, sc)
	case "ColumnRef":
		w.column(m)
	case "A_Indirection":
		w.indirection(m)
		w.fields(m, sc)
	case "RangeFunction":
		w.functionTable(m)
		w.fields(m, sc)
	case "A_Const":
		w.constant(str(m, "sval"))
		if c := child(m, "sval"); c != nil {
			w.constant(str(c, "sval"))
		}
	case "CurrentOfExpr":
		w.refuse(dialect.ReasonSessionFunc)
	default:
		w.fields(m, sc)
	}
}

// fields visits the messages in all fields but those named.
func (w *walker) fields(m message, sc *scope, but ...protoreflect.Name) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		for _, name := range but {
			if fd.Name() == name {
				return true
			}
		}
		switch {
		case fd.Kind() != protoreflect.MessageKind:
		case fd.IsList():
			for i := range v.List().Len() {
				w.node(v.List().Get(i).Message(), sc)
			}
		default:
			w.node(v.Message(), sc)
		}
		return true
	})
}

// change visits a statement that writes rows, on its own or in a CTE.
func (w *walker) change(m message, sc *scope, ops dialect.Op) {
	defer w.inQuery()()
	w.dml = true
	inner := w.with(m, sc)
	// A target is never a CTE.
	w.target(child(m, "relation"), ops)
	w.fields(m, inner, "with_clause", "relation")
}

// inQuery makes names of relations reads until what it returns is called.
func (w *walker) inQuery() (leave func()) {
	before := w.writes
	w.writes = 0
	return func() { w.writes = before }
}

// with visits a WITH clause and returns the scope with its names: without
// RECURSIVE a CTE is seen by later ones and by the body only.
func (w *walker) with(m message, sc *scope) *scope {
	clause := child(m, "with_clause")
	if clause == nil {
		return sc
	}
	ctes := list(clause, "ctes")
	if flag(clause, "recursive") {
		for _, c := range ctes {
			sc = &scope{up: sc, name: str(c, "ctename")}
		}
	}
	for _, c := range ctes {
		w.fields(c, sc)
		sc = &scope{up: sc, name: str(c, "ctename")}
	}
	return sc
}

// relation records a name: a CTE, a relation read, or one that DDL names.
func (w *walker) relation(m message, sc *scope) {
	t := table(m)
	switch {
	case w.writes != 0:
		w.target(m, w.writes)
	case t.Schema != "" || !sc.has(t.Name):
		w.st.Reads = append(w.st.Reads, t)
	}
}

func (w *walker) target(m message, ops dialect.Op) {
	if m = unwrap(m); m == nil || kindOf(m) != "RangeVar" {
		return
	}
	w.st.Writes = append(w.st.Writes, dialect.Target{Table: table(m), Ops: ops})
}

// table returns a name as the server reads it: folded by the parser. The name
// of the database in front can only be that of this one.
func table(m message) dialect.Table {
	return dialect.Table{Schema: str(m, "schemaname"), Name: str(m, "relname")}
}

// refuse keeps the first reason, or the first that nobody can vouch for.
func (w *walker) refuse(reason dialect.Reason) { w.st.Refuse = w.st.Refuse.Or(reason) }

// operator records the operators that an extension or a user may have defined.
func (w *walker) operator(name []string) {
	if len(name) == 0 {
		return
	}
	op := name[len(name)-1]
	if len(name) == 1 && plainOperators[op] || op != "" && (op[0] >= 'a' && op[0] <= 'z' || op[0] >= 'A' && op[0] <= 'Z') {
		return // LIKE, BETWEEN and the like have names of letters where they are syntax
	}
	w.st.Functions = append(w.st.Functions, operatorName(op))
	w.st.Calls = true
}

// operatorName is how an operator stands among the functions.
func operatorName(op string) string { return "operator " + op }

// plainOperators are those that every statement uses; with arguments of
// built-in types they are immutable, or depend on the time zone, which is part
// of the key. Operators of the same name for other types are the catalog's
// business all the same: see catalog.operators.
var plainOperators = map[string]bool{
	"=": true, "<>": true, "!=": true, "<": true, ">": true, "<=": true, ">=": true,
	"+": true, "-": true, "*": true, "/": true, "||": true,
	"~~": true, "!~~": true, "~~*": true, "!~~*": true, "~": true, "!~": true, "~*": true, "!~*": true,
	"->": true, "->>": true, "#>": true, "#>>": true, "?": true, "?|": true, "?&": true,
	"@>": true, "<@": true, "&&": true,
}
