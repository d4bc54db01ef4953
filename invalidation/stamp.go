package invalidation

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
