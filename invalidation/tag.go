package invalidation

import (
	"math"
	"slices"
	"sync/atomic"
)

// dead is the version of a tag object that was folded away. No stamp reaches
// it, so whatever still points to the object is invalid.
const dead = math.MaxUint64

// tag is the state of one name.
type tag struct {
	name string
	// ver is the sequence number of the last bump; it never falls.
	ver atomic.Uint64
	// dirty counts the writes under way.
	dirty atomic.Int32
}

// fresh reports whether no write has touched the tag after seq. Dirty is read
// first: if a write ended before that, its bump is already in ver.
func (t *tag) fresh(seq uint64) bool {
	return t.dirty.Load() == 0 && t.ver.Load() <= seq
}

// raise sets ver to seq unless it is higher already: two bumps may take their
// numbers in one order and store them in the other. It reports false if the
// tag is dead, so that its successor would not learn of this bump.
func (t *tag) raise(seq uint64) bool {
	for {
		old := t.ver.Load()
		if old == dead {
			return false
		}
		if old >= seq || t.ver.CompareAndSwap(old, seq) {
			return true
		}
	}
}

// Tags is a resolved set of tags of one [Space], ready to be stamped or
// written. It is immutable; the zero value is the empty set.
type Tags struct {
	list []*tag
	all  bool
}

// All reports whether the set stands for every tag there is.
func (t Tags) All() bool { return t.all }

// Everything is the set that stands for all tags of a space.
func Everything() Tags { return Tags{all: true} }

// With returns the union of two sets.
func (t Tags) With(o Tags) Tags {
	if o.Empty() {
		return t
	}
	if t.Empty() {
		return o
	}
	list := slices.Clone(t.list)
	for _, x := range o.list {
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return Tags{list: list, all: t.all || o.all}
}

// Empty reports whether nothing is in the set.
func (t Tags) Empty() bool { return !t.all && len(t.list) == 0 }

// Names returns the names of the tags; for everything [All] and, since that says
// something else, [Schema] if it is among them.
func (t Tags) Names() []string {
	names := make([]string, 0, len(t.list)+1)
	if t.all {
		names = append(names, All)
	}
	for _, x := range t.list {
		if !t.all || x.name == Schema {
			names = append(names, x.name)
		}
	}
	return names
}

func (t Tags) stale() bool {
	for _, x := range t.list {
		if x.ver.Load() == dead {
			return true
		}
	}
	return false
}
