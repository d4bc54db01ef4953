package pgsql

import (
	"slices"
	"strings"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.Catalog = (*catalog)(nil)

// A catalog is a snapshot of a database's catalog. It is immutable once loaded.
type catalog struct {
	schemas map[string]map[string]*relation
	byName  map[string][]*relation // those of users, in whatever schema
	byOID   map[string]*relation
	// sequences are read like relations, and hide those of later schemas.
	sequences map[dialect.Table]bool
	// routines are the functions and operators that are not built in, by
	// name with and without schema, and the types whose values call some.
	routines map[dialect.Table]routine
	// ofRow and ofValue are the functions that x.f may call, where x is a row
	// or any value; builtinsOfValue are those that are built in.
	ofRow, ofValue            map[string]routine
	builtins, builtinsOfValue map[string]bool
	// bodies are what functions in standard SQL depend on, by the same names.
	bodies map[dialect.Table][]*body
	// settings are those that sessions have to be asked for.
	settings []string
	guard    string
	// shadows: an operator that every statement uses has a definition that
	// is not immutable, or a cast, which no statement has to name.
	shadows  bool
	shadowed routine
	// fires: some relation has triggers, rules or the like. hides: a text that
	// was not analysed may write though it calls nothing by an unusual name.
	fires, hides bool
	// beyond: some function may write past the transaction that calls it.
	beyond bool
	// functions are those of users that are not immutable, by name; declared is
	// what some of them write.
	functions map[dialect.Table][]function
	declared  declared
	// ask is the query of [Dialect.AskWrites].
	ask string
}

type relation struct {
	name dialect.Table
	tag  string // of the root of its partitions
	root string
	kind string // pg_class.relkind
	// refuse is why its rows are not cached.
	refuse       dialect.Reason
	rowSecurity  bool
	up, children []*relation
	// What a write of it sets off.
	keys     []foreignKey // that refer to it
	triggers []trigger
	rules    []rule
	// hidden is what its defaults, checks and types call when it is written,
	// policies what those call whenever it is used.
	hidden, policies routine
	// readPolicies are what the policies for reads depend on, exempt the roles
	// that are not subject to them.
	readPolicies []*body
	exempt       map[string]bool
	// Of a view: what it reads, the functions that it calls and why its body
	// forbids caching.
	bases     []*relation
	functions []string
	body      dialect.Reason
}

// Resolve implements [dialect.Catalog].
func (c *catalog) Resolve(st *dialect.Statement, session dialect.Session) dialect.Resolution {
	s := parseKey(session.Key)
	res := dialect.Resolution{Refuse: st.Refuse}
	r := reader{catalog: c, session: s, seen: make(map[use]bool), refuse: st.Refuse}
	if runs(st) {
		r.statement(st)
	}
	if st.Kind == dialect.Read {
		res.Reads, res.Refuse = r.result()
	}
	if r.unasked && st.Kind == dialect.Read {
		res.Refuse, res.Unasked = dialect.ReasonRowSecurity, !s.Deaf
	}
	if session.Refuse != "" {
		res.Refuse = session.Refuse
	}
	var fires, moves bool
	if res.Everything = everything(st); res.Everything == "" {
		res.Writes, res.Everything, fires, moves = c.writes(st, s, r.touched)
	}
	if st.SingleRead && st.Kind == dialect.Unknown && (st.Effect == dialect.Taints || r.writes || c.hides) {
		res.Everything = st.Refuse // a function that may write is called, whichever
	}
	res.Taints = fires || r.taints
	res.NamesStay = fires && !moves && !r.taints
	if r.writes {
		res.Everything = cmpOr(res.Everything, r.writeReason)
	}
	if session.Refuse == dialect.ReasonTempTable && (len(res.Writes) > 0 || res.Everything != "") {
		res.Everything = session.Refuse // which names its temporary relations hide is not known
	}
	if st.Parts != nil && (res.Taints || st.Effect == dialect.Taints) && (len(res.Writes) > 0 || res.Everything != "") {
		res.Everything = dialect.ReasonSessionChange // names mean what the part before made of them
	}
	if res.Everything != "" {
		res.Writes = nil
	}
	if c.hides && runs(st) {
		res.Astray = c.astray(st.Reads)
	}
	res.Beyond = c.beyond && (res.Everything != "" || res.Taints)
	return res
}

// astray says whether reading a relation with one of the names, in whatever
// schema and subject to its policies, may write.
func (c *catalog) astray(names []dialect.Table) dialect.Reason {
	r := reader{catalog: c, seen: make(map[use]bool)}
	for _, name := range names {
		for _, rel := range c.byName[name.Name] {
			if name.Schema == "" || name.Schema == rel.name.Schema {
				r.relation(rel, false)
			}
		}
	}
	if !r.writes {
		return ""
	}
	return dialect.ReasonSessionChange
}

// runs reports whether functions of the statement are called when it is run.
func runs(st *dialect.Statement) bool {
	return st.Kind == dialect.Read || st.Calls || st.MayWrite() || st.Parts != nil
}

// everything says why the writes of a statement cannot be followed by name.
func everything(st *dialect.Statement) dialect.Reason {
	switch {
	case st.Kind == dialect.DDL:
		return dialect.ReasonSchemaChange
	case st.Kind == dialect.Unknown && st.Parts == nil && !st.SingleRead && !st.Procedure:
		return cmpOr(st.Refuse, dialect.ReasonUnanalysed)
	}
	for _, part := range st.Parts {
		if reason := everything(part); reason != "" {
			return reason
		}
	}
	return ""
}

func cmpOr(a, b dialect.Reason) dialect.Reason {
	if a != "" {
		return a
	}
	return b
}

// Tags implements [dialect.Catalog]. Without a session a name means every
// relation that has it, in whatever schema.
func (c *catalog) Tags(name dialect.Table, session dialect.Session) ([]string, bool) {
	r := reader{catalog: c, seen: make(map[use]bool)}
	if session.Key == "" && name.Schema == "" {
		for _, rel := range c.byName[name.Name] {
			r.relation(rel, false)
		}
	} else if rel, _ := c.find(name, parseKey(session.Key)); rel != nil && rel.refuse != dialect.ReasonSystemTable {
		r.relation(rel, false)
	}
	slices.Sort(r.tags)
	return r.tags, len(r.tags) > 0 && !r.incomplete
}

// find looks a name up as the server does.
func (c *catalog) find(t dialect.Table, s sessionKey) (*relation, dialect.Reason) {
	if t.Schema != "" {
		if strings.HasPrefix(t.Schema, "pg_temp") {
			return nil, dialect.ReasonTempTable
		}
		if rel := c.schemas[t.Schema][t.Name]; rel != nil {
			return rel, ""
		}
		return nil, dialect.ReasonUnknownTable
	}
	for _, schema := range s.Schemas {
		if rel := c.schemas[schema][t.Name]; rel != nil {
			return rel, ""
		}
		if c.sequences[dialect.Table{Schema: schema, Name: t.Name}] {
			break
		}
	}
	return nil, dialect.ReasonUnknownTable
}
