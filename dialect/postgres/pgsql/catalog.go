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
	// routines are the functions and operators that are not built in, by
	// name with and without schema; builtins are the others.
	routines map[dialect.Table]routine
	builtins map[string]bool
	// shadowed: an operator that every statement uses has a definition that
	// is not immutable, or a cast, which no statement has to name, is volatile.
	shadowed bool
}

type relation struct {
	name dialect.Table
	tag  string // of the root of its partitions
	root string
	kind string // pg_class.relkind
	// refuse is why its rows are not cached.
	refuse                       dialect.Reason
	rowSecurity, triggers, rules bool
	cascades                     dialect.Op // that foreign keys pass on
	up, children                 []*relation
	// Of a view: what it reads, the functions that it calls and why its body
	// forbids caching.
	bases     []*relation
	functions []string
	body      dialect.Reason
}

// A routine is the worst of the functions that share a name.
type routine struct {
	volatility byte // 0 immutable, 1 stable, 2 volatile
	writes     bool // it may write relations
}

// Resolve implements [dialect.Catalog].
func (c *catalog) Resolve(st *dialect.Statement, session dialect.Session) dialect.Resolution {
	s := parseKey(session.Key)
	res := dialect.Resolution{Refuse: st.Refuse}
	if st.Kind == dialect.Read {
		r := reader{catalog: c, session: s, seen: make(map[*relation]bool), refuse: st.Refuse}
		r.statement(st)
		res.Reads, res.Refuse = r.result()
	}
	if session.Refuse != "" {
		res.Refuse = session.Refuse
	}
	if res.Everything = everything(st); res.Everything == "" {
		res.Writes, res.Everything = c.writes(st, s)
	}
	if st.SingleRead && st.Kind == dialect.Unknown && st.Effect == dialect.Taints {
		res.Everything = st.Refuse // a function that may write is called, whichever
	}
	for _, name := range st.Functions {
		if f := c.function(name); f.writes {
			res.Taints = true
			res.Everything = cmpOr(res.Everything, f.reason)
		}
	}
	if session.Refuse == dialect.ReasonTempTable && (len(res.Writes) > 0 || res.Everything != "") {
		res.Everything = session.Refuse // which names its temporary relations hide is not known
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
	r := reader{catalog: c, seen: make(map[*relation]bool)}
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
	}
	return nil, dialect.ReasonUnknownTable
}

// A verdict is what a function means for the statement that calls it.
type verdict struct {
	reason dialect.Reason // why the answer is not cached; empty if it may be
	writes bool
}

// function judges a function, or an operator, by its name.
func (c *catalog) function(name string) verdict {
	t := parseName(name)
	builtin := t.Schema == "" && (c.builtins[t.Name] || strings.HasPrefix(t.Name, operatorName("")))
	r, users := c.routines[t]
	switch {
	case users && r.writes:
		return verdict{dialect.ReasonVolatile, true}
	case users && r.volatility > 0:
		return verdict{dialect.ReasonUnknownFunc, false}
	case users && (!builtin || pure[t.Name]), strings.HasPrefix(t.Name, operatorName("")):
		return verdict{}
	case t.Schema == "" && pure[t.Name], valueFunctions[t.Name], t.Name == "age" && builtin:
		return verdict{} // what the text alone forbids is in Statement.Refuse
	case builtin:
		return verdict{dialect.ReasonVolatile, false}
	}
	return verdict{dialect.ReasonUnknownFunc, true} // newer than the catalog, or it does not exist
}

var valueFunctions = nameSet(`current_catalog current_date current_role current_schema current_time
	current_time_n current_timestamp current_timestamp_n current_user localtime localtime_n
	localtimestamp localtimestamp_n session_user user`)

// parseName reads what dialect.Table.String has written.
func parseName(s string) dialect.Table {
	var parts []string
	for s != "" {
		if s[0] != '"' {
			part, rest, _ := strings.Cut(s, ".")
			if strings.HasPrefix(s, operatorName("")) {
				part, rest = s, ""
			}
			parts, s = append(parts, part), rest
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(s); i++ {
			if s[i] == '"' {
				if i+1 >= len(s) || s[i+1] != '"' {
					break
				}
				i++
			}
			b.WriteByte(s[i])
		}
		parts, s = append(parts, b.String()), strings.TrimPrefix(s[min(i+1, len(s)):], ".")
	}
	if len(parts) == 2 {
		return dialect.Table{Schema: parts[0], Name: parts[1]}
	}
	return dialect.Table{Name: strings.Join(parts, ".")}
}
