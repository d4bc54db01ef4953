package invalidation

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func stampOf(t *testing.T, s *Space, names ...string) Stamp {
	t.Helper()
	st, ok := s.Stamp(s.Tags(names...))
	if !ok {
		t.Fatal("fresh tags are reported as stale")
	}
	return st
}

func TestValid(t *testing.T) {
	write := func(s *Space, tags Tags) { w := s.Begin(tags); w.End(false) }
	tests := []struct {
		name  string
		after func(s *Space)
		want  bool
	}{
		{"nothing happened", func(*Space) {}, true},
		{"own tag written", func(s *Space) { write(s, s.Tags("a")) }, false},
		{"other tag written", func(s *Space) { write(s, s.Tags("c")) }, true},
		{"one of two tags written", func(s *Space) { write(s, s.Tags("x", "b")) }, false},
		{"everything written", func(s *Space) { write(s, Everything()) }, false},
		{"write under way", func(s *Space) { s.Begin(s.Tags("a")) }, false},
		{"write of everything under way", func(s *Space) { s.Begin(Everything()) }, false},
		{"write cancelled", func(s *Space) { w := s.Begin(s.Tags("a")); w.Cancel() }, true},
		{"write cancelled, other under way", func(s *Space) {
			s.Begin(s.Tags("a"))
			w := s.Begin(s.Tags("a"))
			w.Cancel()
		}, false},
		{"bumped while open, then cancelled", func(s *Space) {
			w := s.Begin(s.Tags("a"))
			w.Bump()
			w.Cancel()
		}, false},
		{"empty write", func(s *Space) { write(s, Tags{}) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSpace()
			write(s, s.Tags("a", "b", "c"))
			st := stampOf(t, s, "a", "b")
			tt.after(s)
			if got := st.Valid(); got != tt.want {
				t.Errorf("valid = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestZeroStampIsNeverValid(t *testing.T) {
	var st Stamp
	if st.Valid() {
		t.Error("a stamp that was never taken is valid")
	}
}

// A stamp taken while a write is under way may be from before or after it
// became visible, so it must die with the write.
func TestStampDuringWriteDiesWithIt(t *testing.T) {
	s := NewSpace()
	w := s.Begin(s.Tags("a"))
	st := stampOf(t, s, "a")
	if st.Valid() {
		t.Error("valid while the write is under way")
	}
	w.End(false)
	if st.Valid() {
		t.Error("valid after the write")
	}
	if st := stampOf(t, s, "a"); !st.Valid() {
		t.Error("a stamp from after the write is not valid")
	}
}

func TestEndTwice(t *testing.T) {
	s := NewSpace()
	w := s.Begin(s.Tags("a"))
	w.End(false)
	st := stampOf(t, s, "a")
	w.End(false)
	w.Cancel()
	w.Bump()
	if !st.Valid() || w.Open() {
		t.Error("a write that had ended moved the tags again")
	}
}

func TestLog(t *testing.T) {
	s := NewSpace()
	var l Log
	l.Add(s.Tags("a"))
	l.Add(s.Tags("a", "b"))
	st := stampOf(t, s, "b")
	w := s.Begin(l.Tags())
	w.End(false)
	if st.Valid() {
		t.Error("a logged tag was not written")
	}
	l.Reset()
	if !l.Tags().Empty() {
		t.Error("not empty after Reset")
	}
	l.Add(Everything())
	if !l.Tags().All() {
		t.Error("everything was lost")
	}
}

// Bumps take their numbers in one order and store them in another.
func TestVersionsNeverFall(t *testing.T) {
	s := NewSpace()
	tags := s.Tags("a")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				w := s.Begin(tags)
				w.End(false)
			}
		})
	}
	wg.Wait()
	if got, want := tags.list[0].ver.Load(), s.seq.Load(); got != want {
		t.Errorf("version %d, want the last number %d", got, want)
	}
}

// Folding must never make an answer valid that a write has touched, whatever
// resolved tags are still around. The twin remembers all names for ever.
func TestFoldAgainstTwin(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := NewSpace()
		s.limit = 20
		type answer struct {
			stamp Stamp
			names []string
			at    int
		}
		var answers []answer
		written := map[string]int{}
		resolved := map[string]Tags{}
		still := 0
		for step := range 3000 {
			name := fmt.Sprint("t", rng.IntN(60))
			other := fmt.Sprint("t", rng.IntN(60))
			switch rng.IntN(4) {
			case 0, 1:
				names := []string{name, other}
				if st, ok := s.Stamp(s.Tags(names...)); ok {
					answers = append(answers, answer{st, names, step})
				}
			case 2: // with tags resolved now
				w := s.Begin(s.Tags(name))
				w.End(false)
				written[name] = step
			case 3: // with tags resolved long ago
				tags, ok := resolved[name]
				if !ok {
					tags = s.Tags(name)
					resolved[name] = tags
				}
				w := s.Begin(tags)
				s.Tags(other)
				w.End(false)
				written[name] = step
			}
			for _, a := range answers[max(0, len(answers)-50):] {
				valid := a.stamp.Valid()
				for _, n := range a.names {
					if at, ok := written[n]; ok && at > a.at && valid {
						t.Fatalf("seed %d: answer of step %d is valid at step %d, %s was written at %d", seed, a.at, step, n, at)
					}
				}
				if valid {
					still++
				}
			}
			if len(s.names) > s.limit+2 {
				t.Fatalf("%d names are kept, limit %d", len(s.names), s.limit)
			}
		}
		if still == 0 {
			t.Fatal("no answer was ever valid: the test shows nothing")
		}
	}
}

// A writer that resolved its tags before they were folded, and one that began
// before, must both reach answers stamped after the fold.
func TestFoldDuringWrite(t *testing.T) {
	s := NewSpace()
	s.limit = 4
	old := s.Tags("a")
	before := s.Begin(old)
	before.Cancel()
	for i := range 20 {
		s.Tags(fmt.Sprint("x", i))
	}
	if !old.stale() {
		t.Fatal("the tag was not folded: the test shows nothing")
	}
	st := stampOf(t, s, "a")
	w := s.Begin(old)
	if st.Valid() {
		t.Error("valid while a write with folded tags is under way")
	}
	w.End(false)
	if st.Valid() {
		t.Error("valid after a write with folded tags")
	}
	if _, ok := s.Stamp(old); ok {
		t.Error("a stamp over folded tags was given")
	}
}

func BenchmarkValid(b *testing.B) {
	s := NewSpace()
	st, _ := s.Stamp(s.Tags("a", "b"))
	b.ReportAllocs()
	for b.Loop() {
		if !st.Valid() {
			b.Fatal("not valid")
		}
	}
}
