package invalidation

import (
	"slices"
	"sync"
	"sync/atomic"
)

// defaultLimit bounds the names a space remembers. User tags (one per tenant,
// say) grow without end; the oldest are then folded into the version of
// everything, which is correct and costs some reloads.
const defaultLimit = 20_000

// A Space is what the process knows about the writes to one database.
// Make it with [NewSpace]. It is safe for concurrent use.
type Space struct {
	// seq numbers the bumps. It moves before the versions do: who stamps in
	// between holds a number at which the write was already visible.
	seq atomic.Uint64
	// all is the tag of everything: a bump of it is a bump of every tag.
	all tag
	// bumps counts calls that bumped something, for statistics.
	bumps    atomic.Int64
	allBumps atomic.Int64
	// node tells others, and tells of others; nil in a process on its own.
	node     atomic.Pointer[Node]
	settling settling

	mu    sync.Mutex // guards names
	names map[string]*tag
	limit int
}

// NewSpace returns a space in which nothing has been written yet.
func NewSpace() *Space {
	return &Space{names: make(map[string]*tag), limit: defaultLimit}
}

// Tags resolves names. Duplicates are dropped.
func (s *Space) Tags(names ...string) Tags {
	if len(names) == 0 {
		return Tags{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.names)+len(names) > s.limit {
		s.foldLocked()
	}
	list := make([]*tag, len(names))
	for i, name := range names {
		t := s.names[name]
		if t == nil {
			t = &tag{name: name}
			s.names[name] = t
		}
		list[i] = t
	}
	return tagsOf(union(list[:0], list), false)
}

// learn bumps what another process has written. A name that nothing here
// depends on needs no bump.
func (s *Space) learn(name string) { s.heard(name, (*tag).raise) }

// revoke is learn for what ends also what is kept.
func (s *Space) revoke(name string) { s.heard(name, (*tag).raiseOwn) }

func (s *Space) heard(name string, raise func(*tag, uint64) bool) {
	seq := s.seq.Add(1)
	if name == All {
		raise(&s.all, seq)
		return
	}
	s.mu.Lock()
	t := s.names[name]
	s.mu.Unlock()
	if t != nil && !raise(t, seq) {
		raise(&s.all, seq) // folded away meanwhile
	}
}

// Revoke invalidates what depends on tags, for an application that asks for it:
// in a fleet also what other nodes keep on writes. It waits as [Write.End] does.
func (s *Space) Revoke(tags Tags) {
	w := s.Begin(tags)
	w.revokes = true
	w.End(false)
}

// Bumps returns how many writes and invalidations have bumped tags, and how
// many of them bumped everything.
func (s *Space) Bumps() (total, everything int64) {
	return s.bumps.Load(), s.allBumps.Load()
}

// Stamp takes the current sequence number for an answer that depends on tags.
// It must be called before the query is sent.
//
// It reports false if tags was resolved so long ago that a name in it has been
// folded away: resolve again.
func (s *Space) Stamp(tags Tags) (Stamp, bool) {
	seq := s.seq.Load()
	if tags.stale() {
		return Stamp{}, false
	}
	return Stamp{space: s, seq: seq, tags: tags.list}, true
}

// foldLocked forgets the half of the names that was bumped longest ago. Their
// objects die, so that answers and writes that still hold them notice.
func (s *Space) foldLocked() {
	type item struct {
		name string
		ver  uint64
	}
	items := make([]item, 0, len(s.names))
	for name, t := range s.names {
		if t.dirty.Load() == 0 {
			items = append(items, item{name, t.ver.Load()})
		}
	}
	slices.SortFunc(items, func(a, b item) int {
		if a.ver < b.ver {
			return -1
		}
		return 1
	})
	for _, it := range items[:(len(items)+1)/2] {
		// What was bumped between the look above and the swap must not be
		// lost, so the version that counts is the one swapped out.
		t := s.names[it.name]
		s.all.raise(t.ver.Swap(dead))
		s.all.raiseOwn(t.own.Load())
		delete(s.names, it.name)
	}
}
