package invalidation

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// keeps is serves for an answer that outlives the writes of others.
func (m *member) keeps(e entry) (own, shared bool) {
	return m.alive() && e.local.Kept(), m.alive() && m.Kept(e.fleet, e.tags)
}

// expectKept checks both ways to an answer at once.
func (m *member) expectKept(t *testing.T, what string, e entry, want bool) {
	t.Helper()
	if own, shared := m.keeps(e); own != want || shared != want {
		t.Errorf("%s: own %v, shared %v, want %v", what, own, shared, want)
	}
}

func (m *member) writeAll(t *testing.T) {
	t.Helper()
	w := m.space.Begin(Everything())
	if err := w.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.End(false)
}

// hear lets a poll pass.
func hear() {
	time.Sleep(nodeConfig.Poll * 6 / 5)
	synctest.Wait()
}

// bothWays runs a test with hints and without.
func bothWays(t *testing.T, names string, test func(t *testing.T, s *memStore, m []*member)) {
	t.Helper()
	for _, hints := range []bool{true, false} {
		fleet(t, nodeConfig, names, func(t *testing.T, s *memStore, m []*member) {
			s.set(func() { s.noHints = !hints })
			test(t, s, m)
		})
	}
}

// Writes of others do not end what is kept, own ones do at once.
func TestKeptOutlivesWritesOfOthers(t *testing.T) {
	bothWays(t, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		e, other := b.read(t, "t:x"), b.read(t, "t:y")
		a.write(t, "t:x")
		a.writeAll(t)
		hear()
		if own, shared := b.serves(e); own || shared {
			t.Fatal("the write was not heard of: not a test")
		}
		b.expectKept(t, "another has written", e, true)

		w := b.space.Begin(b.space.Tags("t:x"))
		if own, _ := b.keeps(e); own {
			t.Error("kept while an own write is under way")
		}
		w.End(false)
		b.expectKept(t, "written here", e, false)
		b.expectKept(t, "another table", other, true)
		again := b.read(t, "t:x")
		b.expectKept(t, "read after the own write", again, true)
		b.writeAll(t)
		b.expectKept(t, "everything was written here", again, false)
		b.expectKept(t, "everything was written here", other, false)
	})
}

// What another node has read is good for one that wrote before that, and not for
// one that wrote since.
func TestKeptOfOthers(t *testing.T) {
	bothWays(t, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		before := a.read(t, "t:x")
		b.write(t, "t:x")
		if _, shared := b.keeps(before); shared {
			t.Error("what another has read before the own write is used")
		}
		hear()
		if _, shared := b.keeps(before); shared {
			t.Error("what another has read before the own write is used later")
		}
		if _, shared := a.keeps(before); !shared {
			t.Error("the other does not keep it")
		}
		after := a.read(t, "t:x")
		a.write(t, "t:x")
		hear()
		if _, shared := b.keeps(after); !shared {
			t.Error("what another has read after the own write is not used")
		}
		// Under a new epoch nothing of the old one is kept.
		mine := b.read(t, "t:y")
		b.expectKept(t, "before a flush", mine, true)
		s.flush()
		a.Touch()
		b.Touch()
		hear()
		b.expectKept(t, "after a flush", mine, false)
		b.expectKept(t, "after a flush", b.read(t, "t:x"), true)
	})
}

// The first bump of an epoch is an own write: what was read in that epoch before
// it is not used.
func TestKeptAcrossEpochs(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		s.set(func() { s.noHints = true })
		w := b.space.Begin(b.space.Tags("t:x"))
		s.flush()
		a.Touch()
		if !a.fresh(t.Context()) {
			t.Fatal("not synced")
		}
		e := a.read(t, "t:x") // it reads the old row
		w.End(false)          // and b learns of the epoch with this
		if e.fleet.Epoch != b.Stamp().Epoch {
			t.Fatal("of two epochs: not a test")
		}
		if _, shared := b.keeps(e); shared {
			t.Error("what was read before the own write is used")
		}
	})
}

// While an own write is not told of, nothing of its tables is used.
func TestKeptDuringOutage(t *testing.T) {
	fleet(t, nodeConfig, "a", func(t *testing.T, s *memStore, m []*member) {
		a := m[0]
		s.set(func() { s.down = true })
		a.write(t, "t:x")
		st := stampOf(t, a.space, "t:x")
		if st.Kept() {
			t.Error("kept although the store does not know of the own write")
		}
		s.set(func() { s.down = false })
		a.Touch()
		time.Sleep(time.Second)
		st = stampOf(t, a.space, "t:x")
		if !st.Kept() {
			t.Error("not kept although the store knows")
		}
	})
}

// What an application or a schema change invalidates, whoever does, is not kept.
// So is what a statement of unknown outcome may yet change.
func TestKeptIsRevoked(t *testing.T) {
	for name, revoke := range map[string]func(a *member){
		"its tag":    func(a *member) { a.space.Revoke(a.space.Tags("t:x")) },
		"everything": func(a *member) { a.space.Revoke(Everything()) },
		"the schema": func(a *member) {
			w := a.space.Begin(Everything().With(a.space.Tags(Schema)))
			w.End(false)
		},
		"an unknown outcome": func(a *member) {
			w := a.space.Begin(a.space.Tags("t:x"))
			w.End(true)
		},
	} {
		bothWays(t, "ab", func(t *testing.T, s *memStore, m []*member) {
			a, b := m[0], m[1]
			mine, theirs, other := a.read(t, "t:x"), b.read(t, "t:x"), b.read(t, "t:y")
			revoke(a)
			a.expectKept(t, name+", here", mine, false)
			hear()
			b.expectKept(t, name+", elsewhere", theirs, false)
			if name == "its tag" {
				b.expectKept(t, "another tag", other, true)
			}
			b.expectKept(t, "read afterwards", b.read(t, "t:x"), true)
		})
	}
}

// A revocation whose hint was lost is heard of although everything was written
// since, or so much that what is known is folded.
func TestRevokedHeardOfLate(t *testing.T) {
	for name, later := range map[string]func(t *testing.T, a *member){
		"everything": func(t *testing.T, a *member) { a.writeAll(t) },
		"many": func(t *testing.T, a *member) {
			var list []*tag
			for i := range defaultLimit + 1 {
				list = append(list, &tag{name: fmt.Sprint("u:", i)})
			}
			w := a.space.Begin(tagsOf(list, false))
			w.End(false)
		},
	} {
		fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
			a, b := m[0], m[1]
			e := b.read(t, "t:x")
			s.set(func() { s.noHints = true })
			a.space.Revoke(a.space.Tags("t:x"))
			s.set(func() { s.noHints = false })
			later(t, a)
			synctest.Wait()
			if own, _ := b.keeps(e); !own && name == "everything" {
				t.Error("a write of everything ends what is kept")
			}
			b.Touch()
			hear()
			b.expectKept(t, name, e, false)
		})
	}
}

// What a view folds of revocations and own writes counts as a revocation of
// everything.
func TestViewFoldsRevocations(t *testing.T) {
	v := newView("E")
	v.limit = 10
	v.raise(keptOf("t:x"), 1)
	for seq := range uint64(20) {
		v.raise(fmt.Sprint("t:", seq), seq+2)
	}
	if _, held := v.ver[keptOf("t:x")]; held {
		t.Fatal("it was not folded: not a test")
	}
	if v.kept(FleetStamp{"E", 0}, []string{"t:x"}) {
		t.Error("a folded revocation is forgotten")
	}
	if !v.kept(FleetStamp{"E", 21}, []string{"t:x"}) {
		t.Error("what was read after it is not kept")
	}
}

// A tag that is folded away in the space takes what is known of own writes along.
func TestKeptFold(t *testing.T) {
	s := NewSpace()
	st := stampOf(t, s, "t:x")
	s.limit = 4
	w := s.Begin(s.Tags("t:x"))
	w.End(false)
	later := stampOf(t, s, "t:x")
	for i := range 10 {
		w := s.Begin(s.Tags(fmt.Sprint("t:", i)))
		w.End(false)
	}
	if s.names["t:x"] != nil && s.names["t:x"] == st.tags[0] {
		t.Fatal("it was not folded: not a test")
	}
	if st.Kept() || later.Kept() {
		t.Error("kept although the tag was folded away")
	}
	if st := stampOf(t, s, "t:x"); !st.Kept() {
		t.Error("a stamp taken afterwards is not kept")
	}
	// One that was not written yet: its successor will be, it will not.
	quiet := stampOf(t, s, "t:quiet")
	for i := range 10 {
		s.Tags(fmt.Sprint("u:", i))
	}
	w = s.Begin(s.Tags("t:quiet"))
	w.End(false)
	if quiet.Kept() {
		t.Error("kept although the successor of its tag was written")
	}
	// An answer of the successor whose stamp is older than the own write.
	old := Stamp{space: s, seq: 0, tags: s.Tags("t:x").list}
	if old.Kept() {
		t.Error("the successor does not know of the own write")
	}
}

func TestOnlyKept(t *testing.T) {
	s := NewSpace()
	st := stampOf(t, s, "t:x")
	kept := st.OnlyKept()
	if kept.Valid() || kept.Current() || !kept.Kept() || !st.Valid() {
		t.Errorf("valid %v, current %v, kept %v; the original valid %v", kept.Valid(), kept.Current(), kept.Kept(), st.Valid())
	}
	w := s.Begin(s.Tags("t:x"))
	w.End(false)
	if kept.Kept() {
		t.Error("kept after an own write")
	}
	var zero Stamp
	if zero.Kept() {
		t.Error("a stamp that was never taken is kept")
	}
}
