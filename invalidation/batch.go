package invalidation

// maxBump bounds the tags that one Sync bumps: the store has the time of one
// operation for it. Beyond, it bumps everything.
const maxBump = 1000

// A batch is what waits for the next Sync. It does not grow with the number of
// writes: a store may be away for long.
type batch struct {
	bump    map[string]bool
	unknown bool
	asked   bool // somebody waits for the Sync
	ended   ended
}

func (b *batch) empty() bool { return len(b.bump) == 0 && !b.asked }

// add notes tags to bump, for a write that has ended with them dirty.
func (b *batch) add(w Write, tags ...[]string) {
	if b.bump == nil {
		b.bump = make(map[string]bool)
	}
	for _, list := range tags {
		for _, tag := range list {
			b.bump[tag] = true
		}
	}
	b.ended.add(w)
	b.bound(w.space)
}

// merge puts back what was not acknowledged. Who asked for it asks again, or has
// given up.
func (b *batch) merge(o batch, s *Space) {
	if len(o.bump) == 0 {
		return
	}
	for tag := range b.bump {
		o.bump[tag] = true
	}
	for t, n := range b.ended.tags {
		o.ended.hold(t, n)
	}
	b.bump, b.unknown = o.bump, b.unknown || o.unknown
	b.ended = ended{o.ended.tags, o.ended.writes + b.ended.writes}
	b.bound(s)
}

// bound lets everything stand for too many tags, also as what is dirty. It need
// not be apart: these writes have bumped here, so that nothing from before them is
// current.
func (b *batch) bound(s *Space) {
	if len(b.bump) <= maxBump {
		return
	}
	b.bump = bounded(b.bump)
	s.all.dirty.Add(1)
	b.ended.clean()
	b.ended.hold(&s.all, held{dirty: 1})
}

// bounded returns tags that stand for the ones given, and are few.
func bounded(tags map[string]bool) map[string]bool {
	if len(tags) <= maxBump {
		return tags
	}
	few := map[string]bool{All: true}
	for tag := range tags {
		switch {
		case tag == Schema:
			few[Schema] = true
		case isKept(tag):
			few[keptOf(All)] = true
		}
	}
	return few
}

// ended are writes that have ended, by the tags that they hold dirty until the
// store has been told.
type ended struct {
	tags   map[*tag]held
	writes int
}

// held counts the writes that hold a tag.
type held struct{ dirty, apart int32 }

// add takes the tags over from a write.
func (e *ended) add(w Write) {
	n := held{dirty: 1}
	if w.apart {
		n.apart = 1
	}
	for _, t := range w.tags.list {
		e.hold(t, n)
	}
	if w.tags.all {
		e.hold(&w.space.all, n)
	}
	e.writes++
}

func (e *ended) hold(t *tag, n held) {
	if e.tags == nil {
		e.tags = make(map[*tag]held)
	}
	old := e.tags[t]
	e.tags[t] = held{old.dirty + n.dirty, old.apart + n.apart}
}

// clean lets the tags go; the writes still count.
func (e *ended) clean() {
	for t, n := range e.tags {
		t.apart.Add(-n.apart)
		t.dirty.Add(-n.dirty)
		t.unstick()
	}
	e.tags = nil
}
