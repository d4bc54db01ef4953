package invalidation

import "context"

// A Write is a write under way: from [Space.Begin] until [Write.End] or
// [Write.Cancel], answers that depend on its tags are not shown. It is owned
// by one goroutine; the zero value is a write of nothing.
type Write struct {
	space *Space
	tags  Tags
	// open is set while a node tells of the write again and again.
	open *openWrite
	// revokes: it ends also what other nodes keep on writes.
	revokes bool
	// announced: a node counts the write as under way.
	announced bool
	// apart: see Apart.
	apart bool
}

// Begin marks tags dirty. It must be called before the statement, or the
// COMMIT, is sent. Tags resolved so long ago that one has been folded away
// count as everything, and as [Schema] besides if that is among them.
func (s *Space) Begin(tags Tags) Write {
	if tags.Empty() {
		return Write{}
	}
	if tags.stale() {
		schema := tags.schema()
		if tags = Everything(); schema {
			tags = tags.With(s.Tags(Schema))
		}
	}
	if tags.all {
		s.all.dirty.Add(1)
	}
	for _, t := range tags.list {
		t.dirty.Add(1)
	}
	return Write{space: s, tags: tags}
}

// Announce makes sure, in a fleet, that the store knows what may be written,
// so that it tells the others should this process never do. It waits for that
// for the node's timeout, and not at all if it is known already. The error is
// [ErrUnannounced], or the context's: the write must then not be sent.
func (w *Write) Announce(ctx context.Context) error {
	if w.space == nil {
		return nil
	}
	if n := w.space.node.Load(); n != nil && !w.announced {
		w.announced = true
		return n.announce(ctx, w.tags.Names())
	}
	return nil
}

// Register begins to announce tags that a transaction will write, so that its
// COMMIT need not wait for it.
func (s *Space) Register(tags Tags) {
	if n := s.node.Load(); n != nil && !tags.Empty() {
		n.register(tags.Names())
	}
}

// Open reports whether the write has neither ended nor been cancelled.
func (w *Write) Open() bool { return w.space != nil }

// Bump invalidates what was read so far and leaves the tags dirty: for a
// statement that is visible already, or in part, while its rows are being read.
func (w *Write) Bump() {
	if w.space == nil {
		return
	}
	w.bump()
	w.KeepOpen()
	if n := w.space.node.Load(); n != nil {
		n.signal()
	}
}

// KeepOpen says that the write may become visible, in part, before it has ended:
// in a fleet, every Sync tells of it until then.
func (w *Write) KeepOpen() {
	w.Apart()
	if w.space == nil || w.open != nil {
		return
	}
	if n := w.space.node.Load(); n != nil {
		w.open = n.keepOpen(w.tags.Names())
	}
}

// Apart says that whoever writes goes on before the write has ended, and may know
// it to be visible: until then nobody has an answer that is being read from
// before, see [Stamp.Current].
func (w *Write) Apart() {
	if w.space == nil || w.apart {
		return
	}
	w.apart = true
	w.eachApart(1)
}

func (w *Write) eachApart(n int32) {
	for _, t := range w.tags.list {
		t.apart.Add(n)
	}
	if w.tags.all {
		w.space.all.apart.Add(n)
	}
}

func (w *Write) bump() {
	s := w.space
	s.bumps.Add(1)
	seq := s.seq.Add(1)
	all := w.tags.all
	for _, t := range w.tags.list {
		// A tag that was folded away while the write ran has a successor
		// that this write does not know: then everything is bumped.
		if !t.raiseOwn(seq) {
			all = true
		}
	}
	if all {
		s.allBumps.Add(1)
		s.all.raiseOwn(seq)
	}
}

// End bumps the tags and marks them clean. In a fleet it waits, for the node's
// timeout at most, until the store has it; the tags stay dirty here until then.
// With unknown, it is not known whether the database has yet to do what was
// asked: the fleet is told again and again. Further calls do nothing.
func (w *Write) End(unknown bool) {
	if w.space == nil {
		return
	}
	w.bump()
	if n := w.space.node.Load(); n != nil {
		ended := *w
		w.space = nil
		n.publish(ended, unknown)
		return
	}
	w.clean()
}

// Cancel marks the tags clean without a bump: it is proven that nothing was
// written. Further calls do nothing.
func (w *Write) Cancel() { w.clean() }

func (w *Write) clean() {
	if w.space == nil {
		return
	}
	if n := w.space.node.Load(); n != nil {
		n.leave(w)
	}
	if w.apart {
		w.eachApart(-1)
	}
	for _, t := range w.tags.list {
		t.dirty.Add(-1)
		t.unstick()
	}
	if w.tags.all {
		w.space.all.dirty.Add(-1)
		w.space.all.unstick()
	}
	w.space.settling.ended()
	w.space = nil
}
