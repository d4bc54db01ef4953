package invalidation

import (
	"cmp"
	"slices"
	"sync"
)

// A FleetStamp says as of when an answer was read, to all nodes of a fleet. The
// zero value is never valid.
type FleetStamp struct {
	Epoch string
	Seq   uint64
}

// A view is what a node knows of the bumps of one epoch. A new epoch is a new
// view: epoch and sequence number are never of two. It is safe for concurrent
// use.
type view struct {
	epoch string
	limit int

	mu  sync.RWMutex // guards following
	seq uint64       // bumps up to here are known; moved by replies only
	// settled: what was known of the epoch before is void by now, also to others.
	settled bool
	// seen is the last bump heard of. All writes that were bumped up to it
	// were visible by then, also those whose hints were lost, so a query that
	// is sent later reads them.
	seen uint64
	all  uint64 // last bump of everything, or of what was folded away
	ver  map[string]uint64
	// revoked is the last bump that was folded away of those that end what is
	// kept; see keptOf.
	revoked uint64
}

func newView(epoch string) *view {
	return &view{epoch: epoch, limit: defaultLimit, ver: make(map[string]uint64)}
}

// stamp returns as of when a query that is sent now reads.
func (v *view) stamp() FleetStamp {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return FleetStamp{Epoch: v.epoch, Seq: max(v.seq, v.seen)}
}

// cursor returns up to where bumps are known.
func (v *view) cursor() uint64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.seq
}

// reached reports whether the bumps up to a stamp are known.
func (v *view) reached(st FleetStamp) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.epoch == st.Epoch && v.settled && v.seq >= st.Seq
}

// valid reports whether none of the tags was bumped after the stamp.
func (v *view) valid(st FleetStamp, tags []string) bool {
	if st.Epoch != v.epoch || st.Epoch == "" {
		return false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.all > st.Seq {
		return false
	}
	for _, tag := range tags {
		if v.ver[tag] > st.Seq {
			return false
		}
	}
	return true
}

// raise notes a bump and reports whether it is news, and whether what is known of
// tags has been folded into everything, which is then news too.
func (v *view) raise(tag string, seq uint64) (news, folded bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = max(v.seen, seq)
	if tag == All {
		news = seq > v.all
		v.all = max(v.all, seq)
		return news, false
	}
	// That everything was bumped since says nothing of the schema, nor of what
	// ends what is kept.
	known := v.all
	switch {
	case tag == Schema:
		known = 0
	case isKept(tag):
		known = v.revoked
	}
	if seq <= v.ver[tag] || seq <= known {
		return false, false
	}
	v.ver[tag] = seq
	if len(v.ver) > v.limit {
		v.foldLocked()
		return true, true
	}
	return true, false
}

// advance notes that all bumps up to seq have been raised and acted upon.
func (v *view) advance(seq uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settled = true
	v.seq = max(v.seq, seq)
}

// foldLocked lets the older half of the tags count as bumped when the youngest
// of them was. Schema is none of them: nothing stands for it.
func (v *view) foldLocked() {
	tags := make([]Change, 0, len(v.ver))
	for tag, seq := range v.ver {
		if tag != Schema {
			tags = append(tags, Change{tag, seq})
		}
	}
	slices.SortFunc(tags, func(a, b Change) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, c := range tags[:(len(tags)+1)/2] {
		if isKept(c.Tag) {
			v.revoked = max(v.revoked, c.Seq)
		} else {
			v.all = max(v.all, c.Seq)
		}
		delete(v.ver, c.Tag)
	}
}
