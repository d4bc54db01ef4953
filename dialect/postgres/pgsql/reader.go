package pgsql

import (
	"slices"

	"github.com/querycache/querycache/dialect"
)

// A reader collects what a query depends on.
type reader struct {
	catalog *catalog
	session sessionKey
	seen    map[use]bool
	tags    []string
	refuse  dialect.Reason
	// incomplete: a relation is missing in tags.
	incomplete bool
	// securing are the relations whose policies are being followed.
	securing map[*relation]bool
	// unasked: the session was not asked for a setting that matters.
	unasked bool
	// writes and taints: what is called may do so, writeReason says why.
	writes, taints bool
	writeReason    dialect.Reason
	touched        []*relation // by functions that are declared
}

func (r *reader) result() ([]string, dialect.Reason) {
	if r.refuse == "" && len(r.tags) == 0 {
		r.refuse = dialect.ReasonNoRelation
	}
	slices.Sort(r.tags)
	return slices.Compact(r.tags), r.refuse
}

func (r *reader) statement(st *dialect.Statement) {
	if r.catalog.shadows {
		r.because(dialect.ReasonUnknownFunc)
		r.call(r.catalog.shadowed.verdict())
	}
	for _, name := range st.Functions {
		r.named(name)
	}
	for _, name := range st.Fields {
		r.call(r.catalog.field(name))
	}
	for _, t := range st.Reads {
		rel, reason := r.catalog.find(t, r.session)
		r.because(reason)
		if rel == nil {
			r.incomplete = true
			continue
		}
		r.relation(rel, false)
	}
}

// relation adds a relation, what a view reads, and the children of a parent.
func (r *reader) relation(rel *relation, inView bool) {
	if r.seen[use{rel, inView}] {
		return
	}
	r.seen[use{rel, inView}] = true
	r.because(rel.refuse)
	r.security(rel, inView)
	if rel.kind == "v" {
		r.because(rel.body)
		r.incomplete = r.incomplete || rel.body == dialect.ReasonUnknownTable
		for _, name := range rel.functions {
			r.because(ownReason(name))
			r.named(name)
		}
		for _, base := range rel.bases {
			r.relation(base, true)
		}
		return
	}
	if rel.refuse == dialect.ReasonSystemTable || rel.refuse == dialect.ReasonForeign {
		r.incomplete = true
		return
	}
	if !slices.Contains(r.tags, rel.tag) {
		r.tags = append(r.tags, rel.tag)
	}
	for _, c := range rel.children {
		r.relation(c, inView)
	}
}

// A use is a relation as it is met: on its own, or where the rights of somebody
// else count.
type use struct {
	rel    *relation
	inView bool
}

// named notes what a function, by its name, means: what the bodies of those
// that have it read included.
func (r *reader) named(name string) {
	r.call(r.catalog.function(name))
	called := parseName(name)
	for _, b := range r.catalog.bodies[called] {
		r.depends(b)
	}
	r.touched = append(r.touched, r.catalog.declared[called]...)
}

// call notes what a function that is called means.
func (r *reader) call(v verdict) {
	r.because(v.reason)
	r.taints = r.taints || v.taints
	if v.writes && !r.writes {
		r.writes, r.writeReason = true, v.reason
	}
}

// because keeps the first reason, or the first that nobody can vouch for.
func (r *reader) because(reason dialect.Reason) { r.refuse = r.refuse.Or(reason) }
