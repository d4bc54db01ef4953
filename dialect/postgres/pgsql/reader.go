package pgsql

import (
	"slices"

	"github.com/querycache/querycache/dialect"
)

// A reader collects what a query depends on.
type reader struct {
	catalog *catalog
	session sessionKey
	seen    map[*relation]bool
	tags    []string
	refuse  dialect.Reason
	// incomplete: a relation is missing in tags.
	incomplete bool
}

func (r *reader) result() ([]string, dialect.Reason) {
	if r.refuse == "" && len(r.tags) == 0 {
		r.refuse = dialect.ReasonNoRelation
	}
	slices.Sort(r.tags)
	return slices.Compact(r.tags), r.refuse
}

func (r *reader) statement(st *dialect.Statement) {
	if r.catalog.shadowed {
		r.because(dialect.ReasonUnknownFunc)
	}
	for _, name := range st.Functions {
		r.because(r.catalog.function(name).reason)
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
	if r.seen[rel] {
		return
	}
	r.seen[rel] = true
	r.because(rel.refuse)
	if rel.rowSecurity && (inView || !r.session.Bypass) {
		// In a view the rights are its owner's.
		r.because(dialect.ReasonRowSecurity)
	}
	if rel.kind == "v" {
		r.because(rel.body)
		r.incomplete = r.incomplete || rel.body != "" && rel.body != dialect.ReasonSessionFunc
		for _, name := range rel.functions {
			r.because(ownReason(name))
			r.because(r.catalog.function(name).reason)
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

// ownReason says of a built-in function in a view what a call in the text
// would have said.
func ownReason(name string) dialect.Reason {
	switch {
	case clock[name], name == "age":
		return dialect.ReasonClock
	case volatile[name]:
		return dialect.ReasonVolatile
	case session[name], sessionCalls[name] != dialect.NoEffect:
		return dialect.ReasonSessionFunc
	}
	return ""
}

// because keeps the first reason.
func (r *reader) because(reason dialect.Reason) {
	if r.refuse == "" {
		r.refuse = reason
	}
}
