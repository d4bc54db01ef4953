package invalidation

// A Write is a write under way: from [Space.Begin] until [Write.End] or
// [Write.Cancel], answers that depend on its tags are not shown. It is owned
// by one goroutine; the zero value is a write of nothing.
type Write struct {
	space *Space
	tags  Tags
}

// Begin marks tags dirty. It must be called before the statement, or the
// COMMIT, is sent. Tags resolved so long ago that one has been folded away
// count as everything.
func (s *Space) Begin(tags Tags) Write {
	if tags.Empty() {
		return Write{}
	}
	if tags.stale() {
		tags = Everything()
	}
	if tags.all {
		s.all.dirty.Add(1)
	}
	for _, t := range tags.list {
		t.dirty.Add(1)
	}
	return Write{space: s, tags: tags}
}

// Open reports whether the write has neither ended nor been cancelled.
func (w *Write) Open() bool { return w.space != nil }

// Bump invalidates what was read so far and leaves the tags dirty: for a
// statement that is visible already, or in part, while its rows are being read.
func (w *Write) Bump() {
	s := w.space
	if s == nil {
		return
	}
	s.bumps.Add(1)
	seq := s.seq.Add(1)
	all := w.tags.all
	for _, t := range w.tags.list {
		// A tag that was folded away while the write ran has a successor
		// that this write does not know: then everything is bumped.
		if !t.raise(seq) {
			all = true
		}
	}
	if all {
		s.allBumps.Add(1)
		s.all.raise(seq)
	}
}

// End bumps the tags and marks them clean. Further calls do nothing.
func (w *Write) End() {
	w.Bump()
	w.clean()
}

// Cancel marks the tags clean without a bump: it is proven that nothing was
// written. Further calls do nothing.
func (w *Write) Cancel() { w.clean() }

func (w *Write) clean() {
	if w.space == nil {
		return
	}
	for _, t := range w.tags.list {
		t.dirty.Add(-1)
	}
	if w.tags.all {
		w.space.all.dirty.Add(-1)
	}
	w.space = nil
}
