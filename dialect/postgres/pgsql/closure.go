package pgsql

import (
	"slices"

	"github.com/querycache/querycache/dialect"
)

// writes returns the relations that a statement writes, partitions and
// children included. Triggers, rules and cascading keys are not followed yet:
// if there are any, the reason is returned.
func (c *catalog) writes(st *dialect.Statement, s sessionKey) ([]string, dialect.Reason) {
	cl := closure{done: make(map[*relation]dialect.Op)}
	for _, t := range st.Writes {
		rel, reason := c.find(t.Table, s)
		if reason == "" {
			reason = cl.target(rel, t.Ops)
		}
		if reason != "" {
			return nil, reason
		}
	}
	slices.Sort(cl.tags)
	return slices.Compact(cl.tags), ""
}

type closure struct {
	done map[*relation]dialect.Op
	tags []string
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
		return dialect.ReasonRule
	case rel.triggers && ops != refresh:
		return dialect.ReasonTrigger
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
