package pgsql

import (
	"slices"

	"github.com/querycache/querycache/dialect"
)

// writes returns the relations that a statement writes, partitions and
// children included. Triggers, rules and cascading keys are not followed: if
// there are any, the reason is returned. It also reports whether code of users
// may be run, which can change the session.
func (c *catalog) writes(st *dialect.Statement, s sessionKey) (tags []string, reason dialect.Reason, fires bool) {
	cl := closure{catalog: c, session: s, done: make(map[*relation]dialect.Op)}
	for _, t := range st.Writes {
		rel, reason := c.find(t.Table, s)
		if reason == "" {
			reason = cl.target(rel, t.Ops)
		}
		if reason != "" {
			return nil, reason, cl.fires || reason == dialect.ReasonCascade && c.fires
		}
	}
	slices.Sort(cl.tags)
	return slices.Compact(cl.tags), "", cl.fires
}

type closure struct {
	catalog *catalog
	session sessionKey
	done    map[*relation]dialect.Op
	tags    []string
	fires   bool
}

// target follows one write.
func (cl *closure) target(rel *relation, ops dialect.Op) dialect.Reason {
	if ops&^cl.done[rel] == 0 {
		return ""
	}
	cl.done[rel] |= ops
	switch {
	case rel.refuse == dialect.ReasonSystemTable, rel.refuse == dialect.ReasonForeign, rel.refuse == dialect.ReasonTempTable:
		return rel.refuse
	case rel.rules && ops != refresh:
		cl.fires = true
		return dialect.ReasonRule
	case rel.triggers && ops != refresh:
		cl.fires = true
		return dialect.ReasonTrigger
	}
	if reason := cl.calls(rel, ops); reason != "" {
		return reason
	}
	switch {
	case rel.cascades&ops != 0, ops&cascade != 0:
		return dialect.ReasonCascade
	case rel.kind == "v":
		if len(rel.bases) == 0 || rel.body == dialect.ReasonUnknownTable {
			return dialect.ReasonNotWritable
		}
		for _, base := range rel.bases {
			if reason := cl.target(base, ops); reason != "" {
				return reason
			}
		}
		return ""
	}
	cl.tags = append(cl.tags, rel.tag)
	// A partition's foreign keys and triggers are those of its root too, and
	// a row may move from one partition to another.
	near := rel.children
	if rel.tag != rel.name.String() {
		near = slices.Concat(near, rel.up)
	}
	for _, r := range near {
		if reason := cl.target(r, ops); reason != "" {
			return reason
		}
	}
	return ""
}

// calls judges the functions that a write of a relation calls without naming
// them: those of its defaults and checks, and of its query.
func (cl *closure) calls(rel *relation, ops dialect.Op) dialect.Reason {
	var r routine
	if ops&(dialect.Insert|dialect.Update) != 0 {
		r = rel.hidden
	}
	if rel.rowSecurity && !cl.session.Bypass {
		r = r.or(rel.policies)
	}
	query := reader{catalog: cl.catalog, session: cl.session, seen: make(map[*relation]bool)}
	query.call(r.verdict())
	if rel.kind == "v" || ops == refresh {
		for _, name := range rel.functions {
			query.call(cl.catalog.function(name))
		}
		for _, base := range rel.bases {
			query.relation(base, true)
		}
	}
	cl.fires = cl.fires || query.taints
	if query.writes {
		return dialect.ReasonDefault
	}
	return ""
}
