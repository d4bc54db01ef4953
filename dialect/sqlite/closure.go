package sqlite

import (
	"slices"

	"github.com/querycache/querycache/dialect"
)

// writes returns the tables that a statement writes, with what its triggers
// and foreign keys write in turn. Foreign keys and recursive triggers are
// taken to be on: whether they are is a matter of the connection. If it is
// not known what is written, the reason is returned.
func (c *catalog) writes(st *dialect.Statement) ([]string, dialect.Reason) {
	cl := closure{catalog: c, done: make(map[string]dialect.Op)}
	for _, t := range st.Writes {
		if reason := cl.target(t, orReplace(t)); reason != "" {
			return nil, reason
		}
	}
	tags := make([]string, 0, len(cl.done))
	for name := range cl.done {
		if c.relations[name].kind == ordinary {
			tags = append(tags, tag(name))
		}
	}
	slices.Sort(tags)
	return tags, ""
}

type closure struct {
	catalog *catalog
	done    map[string]dialect.Op // with replaced, if OR REPLACE holds
}

// replaced marks operations that ran where OR REPLACE holds.
const replaced = dialect.Op(1 << 7)

// orReplace reports whether a write may be one with OR REPLACE. That also holds
// in the triggers it fires, in place of their own clause, and in what those fire.
func orReplace(t dialect.Target) bool {
	return t.Ops&dialect.Delete != 0 && t.Ops&^dialect.Delete != 0
}

// target follows one write. It ends: each call adds to the operations done.
func (cl *closure) target(t dialect.Target, replace bool) dialect.Reason {
	rel, reason := cl.catalog.relation(t.Table)
	if reason != "" {
		return reason
	}
	name := t.Table.Name
	ops := t.Ops
	if (replace || rel.replaces) && ops&(dialect.Insert|dialect.Update) != 0 {
		ops |= dialect.Delete
	}
	if replace {
		ops |= replaced
	}
	if ops&^cl.done[name] == 0 {
		return ""
	}
	cl.done[name] |= ops
	fired := false
	for _, tr := range rel.triggers {
		if tr.fires&ops == 0 {
			continue
		}
		fired = true
		if tr.opaque {
			return dialect.ReasonUnparsable
		}
		for _, w := range tr.writes {
			if reason := cl.target(w, replace || orReplace(w)); reason != "" {
				return reason
			}
		}
	}
	if rel.kind == view && !fired {
		return dialect.ReasonNotWritable
	}
	return cl.children(rel, ops, replace)
}

// children follows the foreign keys into a table that is updated or deleted
// from.
func (cl *closure) children(rel *relation, ops dialect.Op, replace bool) dialect.Reason {
	for _, ch := range rel.children {
		var does dialect.Op
		if ops&dialect.Update != 0 {
			does |= ch.onUpdate
		}
		if ops&dialect.Delete != 0 {
			does |= ch.onDelete
		}
		if does == 0 {
			continue
		}
		t := dialect.Target{Table: dialect.Table{Name: ch.table}, Ops: does}
		if reason := cl.target(t, replace); reason != "" {
			return reason
		}
	}
	return ""
}
