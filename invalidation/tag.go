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
	// own is that of the last bump which also ends what is kept on the writes
	// of other processes; not above ver.
	own atomic.Uint64
	// dirty counts the writes under way.
	dirty atomic.Int32
	// apart counts those of them that are [Write.Apart].
	apart atomic.Int32
	// stuck: one was waited for in vain, and none has ended since.
	stuck atomic.Bool
}

// fresh reports whether no write has touched the tag after seq. Dirty is read
// first: if a write ended before that, its bump is already in ver.
func (t *tag) fresh(seq uint64) bool {
	return t.dirty.Load() == 0 && t.ver.Load() <= seq
}

// kept is fresh for an answer that outlives the writes of other processes.
func (t *tag) kept(seq uint64) bool {
	return t.dirty.Load() == 0 && t.ver.Load() != dead && t.own.Load() <= seq
}

// raiseOwn is raise for a bump that ends what is kept, too. own goes first, so
// that who finds ver finds it as well.
func (t *tag) raiseOwn(seq uint64) bool {
	for {
		old := t.own.Load()
		if old >= seq || t.own.CompareAndSwap(old, seq) {
			return t.raise(seq)
		}
	}
}

// current reports whether no write to the tag has ended, or may be visible to
// who goes on with it, after seq. The order is that of fresh.
func (t *tag) current(seq uint64) bool {
	return t.apart.Load() == 0 && t.ver.Load() <= seq
}

func (t *tag) unstick() {
	if t.stuck.Load() {
		t.stuck.Store(false)
	}
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
	list  []*tag
	names []string // as Names returns them; made once, for every use
	all   bool
}

// All reports whether the set stands for every tag there is.
func (t Tags) All() bool { return t.all }

// Everything is the set that stands for all tags of a space.
func Everything() Tags { return tagsOf(nil, true) }

// tagsOf takes ownership of list.
func tagsOf(list []*tag, all bool) Tags {
	names := make([]string, 0, len(list)+1)
	if all {
		names = append(names, All)
	}
	for _, x := range list {
		if !all || x.name == Schema {
			names = append(names, x.name)
		}
	}
	return Tags{list: list, names: names, all: all}
}

// With returns the union of two sets.
func (t Tags) With(o Tags) Tags {
	if o.Empty() {
		return t
	}
	if t.Empty() {
		return o
	}
	return tagsOf(union(slices.Clone(t.list), o.list), t.all || o.all)
}

// fewCompared is how many comparisons cost less than a map.
const fewCompared = 4096

// union appends to list what of more is not in it.
func union(list, more []*tag) []*tag {
	if (len(list)+len(more))*len(more) <= fewCompared {
		for _, t := range more {
			if !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
		return list
	}
	known := make(map[*tag]bool, len(list)+len(more))
	for _, t := range list {
		known[t] = true
	}
	for _, t := range more {
		if !known[t] {
			known[t] = true
			list = append(list, t)
		}
	}
	return list
}

// Empty reports whether nothing is in the set.
func (t Tags) Empty() bool { return !t.all && len(t.list) == 0 }

// Names returns the names of the tags; for everything [All] and, since that says
// something else, [Schema] if it is among them. The slice belongs to the Tags
// and must not be modified.
func (t Tags) Names() []string { return t.names }

// schema reports whether [Schema] is among the tags.
func (t Tags) schema() bool { return slices.Contains(t.names, Schema) }

func (t Tags) stale() bool {
	for _, x := range t.list {
		if x.ver.Load() == dead {
			return true
		}
	}
	return false
}
