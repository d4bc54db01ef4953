package invalidation

import "slices"

// A Stamp says as of when an answer was read. The zero value is never valid.
// It is immutable and safe for concurrent use.
type Stamp struct {
	space *Space
	seq   uint64
	tags  []*tag
}

// Valid reports whether the answer may be shown now: no write to its tags has
// ended since the stamp was taken, and none is under way. It costs two atomic
// loads per tag and no allocation.
func (s *Stamp) Valid() bool {
	if s.space == nil || !s.space.all.fresh(s.seq) {
		return false
	}
	for _, t := range s.tags {
		if !t.fresh(s.seq) {
			return false
		}
	}
	return true
}

// Kept reports whether the answer may be shown now by one who does not mind the
// writes of other processes: no own write to its tags has ended since the stamp
// was taken, none is under way, and nobody has invalidated it or changed the
// schema.
func (s *Stamp) Kept() bool {
	if s.space == nil || !s.space.all.kept(s.seq) {
		return false
	}
	for _, t := range s.tags {
		if !t.kept(s.seq) {
			return false
		}
	}
	return true
}

// OnlyKept returns the stamp of an answer that lacks writes of other processes:
// it is never [Stamp.Valid] nor [Stamp.Current], but may be [Stamp.Kept].
func (s *Stamp) OnlyKept() Stamp {
	only := *s
	only.tags = append(slices.Clone(s.tags), outdated)
	return only
}

// outdated has been bumped after every stamp, and is not dead.
var outdated = func() *tag {
	t := new(tag)
	t.ver.Store(dead - 1)
	return t
}()

// Current reports whether no write to its tags has ended since the stamp was
// taken. One may be under way: what is read now may or may not show it, as on
// the database itself, so that who comes now may have it, but it cannot be kept.
// While one that is [Write.Apart] is under way, it is not current.
func (s *Stamp) Current() bool {
	if s.space == nil || !s.space.all.current(s.seq) {
		return false
	}
	for _, t := range s.tags {
		if !t.current(s.seq) {
			return false
		}
	}
	return true
}
