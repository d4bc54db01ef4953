package pgsql

import (
	"slices"

	"github.com/querycache/querycache/dialect"
)

// A keptTree is a tree of a function, if it has one, and what that depends on,
// once it is judged.
type keptTree struct {
	text    string
	body    *body
	judging bool
}

// merge takes over what a tree of a function depends on.
func (j *judge) merge(k *keptTree) {
	if k.text == "" {
		return
	}
	if k.body == nil {
		if k.judging {
			j.refuse(dialect.ReasonUnknownFunc)
			return
		}
		k.judging = true
		inner := judge{functions: j.functions, relations: j.relations, body: new(body)}
		if item, err := parseTree(k.text); err != nil {
			inner.refuse(dialect.ReasonUnanalysed)
		} else {
			inner.item(item)
		}
		k.body, k.judging = inner.body, false
	}
	b := j.body
	for _, rel := range k.body.relations {
		if !slices.Contains(b.relations, rel) {
			b.relations = append(b.relations, rel)
		}
	}
	for _, name := range k.body.settings {
		j.add(name)
	}
	b.loose = b.loose || k.body.loose
	j.refuse(k.body.refuse)
	b.writes, b.taints = b.writes || k.body.writes, b.taints || k.body.taints
}
