package pgsql

import (
	"strings"

	"github.com/querycache/querycache/dialect"
)

// anyOp are the operations of DDL: it may do all of them to its target.
const anyOp = dialect.Insert | dialect.Update | dialect.Delete | dialect.Truncate

// statement sets the kind and visits what can hold names. A type that is not
// listed is Unknown.
func (w *walker) statement(m message) {
	st := w.st
	if m == nil {
		st.Kind = dialect.Neutral
		return
	}
	switch kind := kindOf(m); kind {
	case "SelectStmt":
		w.query(m)
	case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		st.Kind = dialect.Write
		w.node(m, nil)
	case "TruncateStmt":
		st.Kind, w.writes = dialect.Write, dialect.Truncate
		if enum(m, "behavior") == "DROP_CASCADE" {
			w.writes |= cascade
		}
		w.node(m, nil)
	case "RefreshMatViewStmt":
		st.Kind, w.writes = dialect.Write, refresh
		w.event()
		w.node(m, nil)
	case "CopyStmt":
		w.copy(m)
	case "ExplainStmt":
		w.explain(m)
	case "TransactionStmt":
		w.transaction(m)
	case "VariableSetStmt":
		w.set(m)
	case "PrepareStmt":
		st.Kind, st.Effect = dialect.SessionState, dialect.Keeps
	case "DeallocateStmt":
		st.Kind = dialect.SessionState
	case "DeclareCursorStmt":
		inner := analyse(unwrap(child(m, "query")))
		if inner.Kind != dialect.Read {
			*st = *dialect.Opaque(dialect.ReasonUnanalysed)
			return
		}
		// What it calls is called by FETCH, in the same transaction, or by
		// its COMMIT.
		w.runs(inner)
		st.Kind, st.Effect = dialect.SessionState, max(dialect.Holds, inner.Effect)
	case "FetchStmt", "ClosePortalStmt":
		st.Kind, st.Effect = dialect.SessionState, dialect.Holds
	case "ListenStmt", "UnlistenStmt":
		st.Kind, st.Effect = dialect.SessionState, dialect.Holds
	case "DiscardStmt":
		st.Kind, st.Effect = dialect.SessionState, dialect.Taints
	case "NotifyStmt", "VariableShowStmt", "CheckPointStmt", "ConstraintsSetStmt":
		// Deferred constraints that SET CONSTRAINTS runs belong to writes
		// that came before.
		st.Kind = dialect.Neutral
	case "VacuumStmt":
		// VACUUM and ANALYZE change no answer, but if it is FULL: that moves
		// the rows (ctid), table by table, as CLUSTER does.
		st.Kind = dialect.Neutral
		if enabled(m, "full") {
			st.Kind, w.writes = dialect.DDL, anyOp
			w.fields(m, nil)
		}
	case "LockStmt":
		st.Kind = dialect.Neutral
		w.fields(m, nil)
	case "CreateStmt", "CreateTableAsStmt", "ViewStmt":
		w.create(m)
		if st.Kind != dialect.DDL && executes(m) { // what was prepared is not known
			effect := st.Effect
			*st = *dialect.Opaque(dialect.ReasonUnanalysed)
			st.Confined, st.Effect = true, max(effect, st.Effect)
		}
	case "DropStmt":
		st.Kind = dialect.DDL
		w.drop(m)
	case "RenameStmt":
		st.Kind, w.writes = dialect.DDL, anyOp
		st.Wide = enum(m, "rename_type") == "OBJECT_ROLE"
		w.fields(m, nil)
		if relations[enum(m, "rename_type")] {
			t := dialect.Table{Name: str(m, "newname")}
			if r := child(m, "relation"); r != nil {
				t.Schema = str(r, "schemaname")
			}
			st.Writes = append(st.Writes, dialect.Target{Table: t, Ops: anyOp})
		}
	case "CallStmt", "DoStmt", "ExecuteStmt":
		*st = *dialect.Opaque(dialect.ReasonUnanalysed)
		st.Confined, st.Procedure = true, kind == "CallStmt"
		if st.Procedure {
			w.node(unwrap(child(m, "funccall")), nil)
			st.Refuse = dialect.ReasonUnanalysed
		}
	default:
		if !isDDL(kind) {
			*st = *dialect.Opaque(dialect.ReasonUnanalysed)
			return
		}
		st.Kind, w.writes, st.Wide = dialect.DDL, anyOp, ofRoles[kind]
		w.fields(m, nil)
	}
	switch st.Kind {
	case dialect.Read, dialect.Unknown: // they have reasons of their own
	default:
		st.Refuse = dialect.ReasonNotRead
	}
}

// Operations that follow a rule of their own.
const (
	copied  = dialect.Op(1 << 5) // COPY … FROM, past all rules
	cascade = dialect.Op(1 << 6) // TRUNCATE … CASCADE
	refresh = dialect.Op(1 << 7) // REFRESH MATERIALIZED VIEW
)

// query sets the kind of a SELECT, VALUES or TABLE.
func (w *walker) query(m message) {
	st := w.st
	st.Kind, st.Refuse, st.SingleRead = dialect.Read, "", true
	w.node(m, nil)
	switch {
	case w.into:
		st.Kind, st.SingleRead = dialect.DDL, false
		w.temporary(child(child(m, "into_clause"), "rel"))
	case w.dml:
		st.Kind, st.SingleRead = dialect.Write, false
	case w.locks:
		st.Refuse, st.SingleRead = dialect.ReasonLocking, false
	}
}

// temporary makes of the DDL of a temporary relation what it is: a matter of
// the session. It hides other names there.
func (w *walker) temporary(rel message) {
	if rel == nil || str(rel, "relpersistence") != "t" && str(rel, "schemaname") != "pg_temp" {
		return
	}
	w.st.Effect = dialect.Taints
	if w.dml || w.inherits {
		return // answers of the parent change
	}
	w.st.Kind, w.st.Writes = dialect.SessionState, nil
	w.event()
	w.judged()
}

// judged makes the catalog judge a statement that is not asked about otherwise:
// it runs a query, which may read views that call functions.
func (w *walker) judged() {
	w.st.Calls = w.st.Calls || len(w.st.Reads) > 0 || len(w.st.Functions) > 0
}

// runs takes over what a query reads and calls that is run in the statement.
func (w *walker) runs(query *dialect.Statement) {
	w.st.Reads, w.st.Functions, w.st.Fields = query.Reads, query.Functions, query.Fields
	w.judged()
}

func (w *walker) create(m message) {
	w.st.Kind = dialect.DDL
	w.writes = anyOp
	w.fields(m, nil)
	w.inherits = len(list(m, "inh_relations")) > 0
	switch kindOf(m) {
	case "CreateStmt":
		w.temporary(child(m, "relation"))
	case "ViewStmt":
		w.temporary(child(m, "view"))
	default:
		if into := child(m, "into"); into != nil {
			w.temporary(child(into, "rel"))
		}
	}
}

func (w *walker) drop(m message) {
	if !relations[enum(m, "remove_type")] {
		return
	}
	for _, o := range list(m, "objects") {
		parts := names(list(o, "items"))
		if len(parts) == 0 {
			continue
		}
		t := dialect.Table{Name: parts[len(parts)-1]}
		if len(parts) > 1 {
			t.Schema = parts[len(parts)-2]
		}
		w.st.Writes = append(w.st.Writes, dialect.Target{Table: t, Ops: anyOp})
	}
}

var relations = map[string]bool{
	"OBJECT_TABLE": true, "OBJECT_VIEW": true, "OBJECT_MATVIEW": true,
	"OBJECT_FOREIGN_TABLE": true, "OBJECT_SEQUENCE": true,
}

// copy: FROM writes, TO reads. A program may do anything.
func (w *walker) copy(m message) {
	if flag(m, "is_program") {
		*w.st = *dialect.Opaque(dialect.ReasonUnanalysed)
		return
	}
	if flag(m, "is_from") {
		w.st.Kind = dialect.Write
		w.target(child(m, "relation"), dialect.Insert|copied)
		w.fields(m, nil, "relation")
		return
	}
	w.st.Kind = dialect.Neutral
	w.fields(m, nil)
	w.judged()
	if w.dml || w.into {
		w.st.Kind = dialect.Write
	}
}

// explain: with ANALYZE the statement runs. What stands for the parameters of
// EXECUTE is evaluated anyway.
func (w *walker) explain(m message) {
	inner := analyse(unwrap(child(m, "query")))
	if inner.Kind != dialect.Unknown && !executes(unwrap(child(m, "query"))) && !enabled(m, "analyze") {
		w.st.Kind, w.st.Reads = dialect.Neutral, inner.Reads
		return
	}
	if inner.Kind == dialect.Read {
		w.runs(inner)
		w.st.Kind, w.st.Effect = dialect.Neutral, inner.Effect
		return
	}
	*w.st = *inner
	w.st.SingleRead = false
}

func (w *walker) transaction(m message) {
	st := w.st
	switch enum(m, "kind") {
	case "TRANS_STMT_BEGIN", "TRANS_STMT_START":
		st.Kind = dialect.Begin
	case "TRANS_STMT_COMMIT":
		st.Kind = dialect.Commit
	case "TRANS_STMT_ROLLBACK":
		st.Kind = dialect.Rollback
	case "TRANS_STMT_SAVEPOINT":
		st.Kind, st.Savepoint = dialect.Savepoint, str(m, "savepoint_name")
	case "TRANS_STMT_RELEASE":
		st.Kind, st.Savepoint = dialect.Release, str(m, "savepoint_name")
	case "TRANS_STMT_ROLLBACK_TO":
		st.Kind, st.Savepoint = dialect.RollbackTo, str(m, "savepoint_name")
	default: // two-phase commit: what it makes visible was written elsewhere
		*st = *dialect.Opaque(dialect.ReasonUnanalysed)
		return
	}
	if flag(m, "chain") { // the next transaction begins at once
		*st = *dialect.Opaque(dialect.ReasonUnanalysed)
	}
}

// isDDL reports whether a type of statement is one that changes the schema.
func isDDL(kind string) bool {
	return strings.HasPrefix(kind, "Create") || strings.HasPrefix(kind, "Alter") ||
		strings.HasPrefix(kind, "Drop") || otherDDL[kind]
}

// ofRoles are the statements whose effect does not end at the database.
var ofRoles = nameSet(`CreateRoleStmt AlterRoleStmt AlterRoleSetStmt DropRoleStmt GrantRoleStmt
	DropOwnedStmt ReassignOwnedStmt`)

var otherDDL = nameSet(`IndexStmt RuleStmt GrantStmt GrantRoleStmt CommentStmt SecLabelStmt
	DefineStmt CompositeTypeStmt ImportForeignSchemaStmt ReindexStmt ClusterStmt ReassignOwnedStmt`)
