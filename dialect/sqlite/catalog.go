package sqlite

import (
	"cmp"
	"slices"
	"strings"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.Catalog = (*catalog)(nil)

// A catalog is a snapshot of the schema of a database's "main". Names are
// folded. It is immutable once loaded.
type catalog struct {
	relations map[string]*relation
	// functions are those that are not SQLite's own, and whether all that
	// share the name are deterministic.
	functions map[string]bool
}

type relationKind uint8

const (
	ordinary relationKind = iota
	view
	virtual // also the shadow tables that one keeps its rows in
)

type relation struct {
	kind relationKind
	// body is what a view reads.
	body *dialect.Statement
	// replaces: a constraint deletes rows when others are written.
	replaces bool
	triggers []trigger
	children []child
}

// A trigger fires on one operation.
type trigger struct {
	fires  dialect.Op
	writes []dialect.Target
	opaque bool
}

// A child is a table with a foreign key into this one, and what is done to it
// when a row here is updated or deleted.
type child struct {
	table              string
	onUpdate, onDelete dialect.Op
}

// Tags implements [dialect.Catalog]. System tables have no tag: SQLite writes
// them of its own accord, and nothing would ever invalidate it.
func (c *catalog) Tags(name dialect.Table, _ dialect.Session) ([]string, bool) {
	folded := dialect.Table{Schema: dialect.Fold(name.Schema), Name: dialect.Fold(name.Name)}
	if _, reason := c.relation(folded); reason == dialect.ReasonVirtualTable {
		return []string{tag(folded.Name)}, true
	}
	r := reader{catalog: c, seen: make(map[string]bool)}
	r.relation(folded)
	slices.Sort(r.tags)
	return r.tags, len(r.tags) > 0 && !r.incomplete
}

func tag(name string) string { return dialect.Table{Schema: "main", Name: name}.String() }

// Resolve implements [dialect.Catalog].
func (c *catalog) Resolve(st *dialect.Statement, session dialect.Session) dialect.Resolution {
	res := dialect.Resolution{Refuse: st.Refuse}
	if st.Kind == dialect.Read {
		res.Reads, res.Refuse = c.reads(st)
	}
	if session.Refuse != "" {
		res.Refuse = session.Refuse
	}
	if res.Everything = everything(st); res.Everything == "" {
		res.Writes, res.Everything = c.writes(st)
	}
	if session.Refuse != "" && (len(res.Writes) > 0 || res.Everything != "") {
		// Temporary triggers write what they like, and names may mean
		// tables of another database.
		res.Everything = session.Refuse
	}
	if res.Everything != "" {
		res.Writes = nil
	}
	return res
}

// everything says why the writes of a statement cannot be followed by name.
func everything(st *dialect.Statement) dialect.Reason {
	switch {
	case st.Kind == dialect.DDL:
		return dialect.ReasonSchemaChange
	case st.Kind == dialect.Unknown && st.Parts == nil && !st.SingleRead:
		return cmp.Or(st.Refuse, dialect.ReasonUnanalysed)
	}
	for _, part := range st.Parts {
		if reason := everything(part); reason != "" {
			return reason
		}
	}
	return ""
}

// reads returns the tables that a query reads, also through views.
func (c *catalog) reads(st *dialect.Statement) ([]string, dialect.Reason) {
	r := reader{catalog: c, seen: make(map[string]bool)}
	r.statement(st)
	if r.refuse == "" && len(r.tags) == 0 {
		r.refuse = dialect.ReasonNoRelation
	}
	slices.Sort(r.tags)
	return r.tags, r.refuse
}

type reader struct {
	catalog *catalog
	seen    map[string]bool
	tags    []string
	refuse  dialect.Reason
	// incomplete: a relation is missing in tags.
	incomplete bool
}

func (r *reader) statement(st *dialect.Statement) {
	r.because(st.Refuse)
	for _, f := range st.Functions {
		r.because(r.catalog.function(f))
	}
	for _, t := range st.Reads {
		r.relation(t)
	}
}

func (r *reader) relation(t dialect.Table) {
	rel, reason := r.catalog.relation(t)
	r.because(reason)
	if reason != "" {
		r.incomplete = true
	}
	if reason != "" || r.seen[t.Name] {
		return
	}
	r.seen[t.Name] = true
	if rel.kind == view {
		switch rel.body.Refuse {
		case "", dialect.ReasonVolatile, dialect.ReasonClock:
		default:
			r.incomplete = true
		}
		r.statement(rel.body)
		return
	}
	r.tags = append(r.tags, tag(t.Name))
}

// because keeps the first reason, or the first that nobody can vouch for.
func (r *reader) because(reason dialect.Reason) { r.refuse = r.refuse.Or(reason) }

// relation finds a table or view of users. If the name means something else,
// it returns the reason.
func (c *catalog) relation(t dialect.Table) (*relation, dialect.Reason) {
	rel := c.relations[t.Name]
	switch {
	case t.Schema == "temp":
		return nil, dialect.ReasonTempTable
	case t.Schema != "" && t.Schema != "main":
		return nil, dialect.ReasonAttached
	case strings.HasPrefix(t.Name, "sqlite_"), rel == nil && isSystem(t.Name):
		return nil, dialect.ReasonSystemTable
	case rel == nil:
		return nil, dialect.ReasonUnknownTable
	case rel.kind == virtual:
		return nil, dialect.ReasonVirtualTable
	}
	return rel, ""
}

// function says why a function forbids caching. The user's own may take the
// place of SQLite's.
func (c *catalog) function(name string) dialect.Reason {
	deterministic, users := c.functions[name]
	switch {
	case tableFunctions[name] && c.relations[name] != nil:
		return dialect.ReasonVirtualTable // it hides the function
	case users && !deterministic, !users && !pure[name] && !tableFunctions[name]:
		return dialect.ReasonUnknownFunc
	}
	return ""
}
