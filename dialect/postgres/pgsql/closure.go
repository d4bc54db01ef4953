package pgsql

import (
	"slices"

	"github.com/querycache/querycache/dialect"
)

// writes returns the relations that a statement writes, with those that foreign
// keys, rules and views pass it on to, partitions and children. If a trigger or
// a function may write more, the reason is returned. It also reports whether code
// of users may be run, which can change the session, and whether that may move
// what names mean there. Touched is what functions that the statement calls are
// declared to write.
func (c *catalog) writes(st *dialect.Statement, s sessionKey, touched []*relation) (tags []string, reason dialect.Reason, fires, moves bool) {
	cl := closure{catalog: c, session: s, done: make(map[visit]dialect.Op)}
	cl.touch(touched)
	for _, t := range st.Writes {
		rel, reason := c.find(t.Table, s)
		if rel == nil {
			cl.opaque(reason)
			continue
		}
		cl.target(rel, t.Ops)
	}
	slices.Sort(cl.tags)
	return slices.Compact(cl.tags), cl.reason, cl.fires, cl.moves
}

type closure struct {
	catalog *catalog
	session sessionKey
	done    map[visit]dialect.Op
	tags    []string
	// reason is the first why tags may not be all.
	reason dialect.Reason
	// fires: the session may be changed; moves: even what names mean there.
	fires, moves bool
}

// A visit is how a relation is met: direct, as the server rewrites statements, or
// past its rules, as the child of another is.
type visit struct {
	rel    *relation
	direct bool
}

// runs notes that code may be run which changes the session in any way.
func (cl *closure) runs(some bool) { cl.fires, cl.moves = cl.fires || some, cl.moves || some }

// opaque notes why more may be written than can be followed.
func (cl *closure) opaque(reason dialect.Reason) { cl.reason = cmpOr(cl.reason, reason) }

// touch follows what a function is declared to write.
func (cl *closure) touch(touched []*relation) {
	for _, rel := range touched {
		cl.target(rel, dialect.Insert|dialect.Update|dialect.Delete|dialect.Truncate)
	}
}

// target follows one write.
func (cl *closure) target(rel *relation, ops dialect.Op) {
	cl.follow(visit{rel, ops&copied == 0}, ops&^copied)
}

func (cl *closure) follow(v visit, ops dialect.Op) {
	rel := v.rel
	if rel.kind == "p" && ops&dialect.Update != 0 {
		ops |= dialect.Insert | dialect.Delete // a row may move from one partition to another
	}
	if ops&^cl.done[v] == 0 {
		return
	}
	cl.done[v] |= ops
	switch rel.refuse {
	case dialect.ReasonSystemTable, dialect.ReasonForeign, dialect.ReasonTempTable:
		cl.runs(rel.refuse == dialect.ReasonSystemTable) // an UPDATE of pg_settings is a SET
		cl.opaque(rel.refuse)
		return
	}
	cl.calls(rel, ops)
	replaced := cl.triggers(rel, ops)
	if v.direct {
		replaced |= cl.rules(rel, ops)
	}
	if rel.kind != "v" {
		cl.tags = append(cl.tags, rel.tag) // what is replaced locks it all the same
	}
	if ops &^= replaced; ops == 0 {
		return
	}
	if rel.kind == "v" {
		if len(rel.bases) == 0 || rel.body == dialect.ReasonUnknownTable {
			cl.opaque(dialect.ReasonNotWritable)
		}
		for _, base := range rel.bases {
			cl.target(base, ops)
		}
		return
	}
	for _, k := range rel.keys {
		switch passed := k.passesOn(ops); {
		case passed == 0:
		case k.from == nil:
			cl.runs(cl.catalog.fires)
			cl.opaque(dialect.ReasonCascade)
		default:
			cl.target(k.from, passed)
		}
	}
	if rel.kind != "p" {
		ops &^= dialect.Insert // a row goes into a child only where it is asked for
	}
	for _, child := range rel.children {
		cl.follow(visit{child, false}, ops)
	}
}

// triggers judges those that fire. It returns the operations that they replace.
func (cl *closure) triggers(rel *relation, ops dialect.Op) (replaced dialect.Op) {
	for i := range rel.triggers {
		t := &rel.triggers[i]
		if t.ops&ops == 0 {
			continue
		}
		cl.fires = true
		if touched, ok := cl.catalog.declared[t.function]; ok && !t.condition {
			cl.runs(!t.stays)
			cl.touch(touched)
		} else {
			cl.runs(true)
			cl.opaque(dialect.ReasonTrigger)
		}
		if t.instead {
			replaced |= t.ops
		}
	}
	return replaced
}

// rules follows those that apply. It returns the operations that they replace.
func (cl *closure) rules(rel *relation, ops dialect.Op) (replaced dialect.Op) {
	for i := range rel.rules {
		r := &rel.rules[i]
		if r.ops&ops == 0 {
			continue
		}
		if r.lost || r.runs {
			cl.opaque(dialect.ReasonRule)
		}
		query := reader{catalog: cl.catalog, session: cl.session, seen: make(map[use]bool)}
		for _, name := range r.functions {
			query.named(name)
		}
		cl.runs(r.taints || r.runs || query.taints)
		if query.writes {
			cl.opaque(dialect.ReasonRule)
		}
		cl.touch(query.touched)
		for _, touched := range r.touched {
			ops := dialect.Insert | dialect.Update | dialect.Delete
			if touched == rel {
				ops &^= r.ops // the server allows no rule that sets itself off
			}
			cl.target(touched, ops)
		}
		if r.instead && !cl.session.replica() {
			replaced |= r.ops
		}
	}
	return replaced
}

// calls judges the functions that a write of a relation calls without naming
// them: those of its defaults and checks, and of its query.
func (cl *closure) calls(rel *relation, ops dialect.Op) {
	var r routine
	if ops&(dialect.Insert|dialect.Update) != 0 {
		r = rel.hidden
	}
	if rel.rowSecurity && !cl.session.Bypass {
		r = r.or(rel.policies)
	}
	query := reader{catalog: cl.catalog, session: cl.session, seen: make(map[use]bool)}
	query.call(r.verdict())
	if rel.kind == "v" || ops == refresh {
		for _, name := range rel.functions {
			query.named(name)
		}
		for _, base := range rel.bases {
			query.relation(base, true)
		}
	}
	cl.runs(query.taints)
	if query.writes {
		cl.opaque(dialect.ReasonDefault)
	}
	cl.touch(query.touched)
}
