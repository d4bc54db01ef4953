package invalidation

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// However long the store is away and however much is written meanwhile, what has
// to be told when it is back does not grow.
func TestOutageIsBounded(t *testing.T) {
	for name, tag := range map[string]func(i int) string{
		"writes of one table":         func(int) string { return "t:x" },
		"invalidations of many names": func(i int) string { return fmt.Sprint("u:", i) },
	} {
		t.Run(name, func(t *testing.T) {
			fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
				a, b := m[0], m[1]
				a.space.limit = 2 * maxBump
				s.set(func() { a.client.cut = true })
				time.Sleep(time.Second)
				old := b.read(t, tag(1))
				write := func(from, to int) {
					for i := from; i < to; i++ {
						w := a.space.Begin(a.space.Tags(tag(i)))
						if err := w.Announce(t.Context()); err != nil {
							t.Fatal(err)
						}
						w.End(false)
						if i%1000 == 0 {
							time.Sleep(time.Second)
							b.Touch()
						}
					}
				}
				write(0, 5000)
				before := heap()
				write(5000, 20_000)
				if grown := heap() - before; grown > 1<<20 {
					t.Errorf("15,000 writes hold %d bytes", grown)
				}
				if e := a.read(t, tag(19_999)); e.local.Valid() || !e.local.Current() {
					t.Errorf("nobody was told of a write: an answer may be kept %v, be joined %v", e.local.Valid(), e.local.Current())
				}
				s.set(func() { a.client.cut = false })
				for a.Touch(); !a.alive(); a.Touch() {
					time.Sleep(10 * time.Millisecond)
				}
				synctest.Wait()
				if own, shared := b.serves(old); own || shared {
					t.Errorf("what was written is not told of: own %v, shared %v", own, shared)
				}
				if e := a.read(t, tag(19_999)); !e.local.Valid() {
					t.Error("a tag stays dirty although its write is told of")
				}
				if told := a.Told(); told.Seq > 1<<40 {
					t.Error("all is told, but the token is never reached")
				}
			})
		})
	}
}

// Resolving names takes no longer per name when there are many: if it did, these
// would take some ten seconds, on an idle machine.
func TestManyNames(t *testing.T) {
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprint("u:", i)
	}
	names = append(names, names[:10]...)
	space := NewSpace()
	space.limit = 2 * len(names)
	var log Log
	start := time.Now()
	tags := space.Tags(names...)
	log.Add(tags)
	log.Add(tags.With(space.Tags(names[:1000]...)))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if n := len(log.Tags().Names()); n != 100_000 {
		t.Errorf("%d names", n)
	}
}

// A store has the time of one operation for a Sync: beyond so many tags everything
// is bumped instead.
func TestManyTagsAtOnce(t *testing.T) {
	for _, open := range []bool{false, true} {
		fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
			a, b := m[0], m[1]
			names := make([]string, 20_000)
			for i := range names {
				names[i] = fmt.Sprint("u:", i)
			}
			start := time.Now()
			old, kept := b.read(t, names[7_777]), b.read(t, "t:x")
			w := a.space.Begin(a.space.Tags(names...))
			w.revokes = true
			if open {
				w.Bump()
			} else {
				w.End(false)
			}
			synctest.Wait()
			if own, shared := b.serves(old); own || shared {
				t.Errorf("own %v, shared %v", own, shared)
			}
			if !open && (kept.local.Kept() || b.Kept(kept.fleet, kept.tags)) {
				t.Error("what is kept on writes outlives an invalidation of everything")
			}
			s.set(func() {
				if s.most > maxBump {
					t.Errorf("a Sync bumped %d tags", s.most)
				}
			})
			if took := time.Since(start); took > 0 {
				t.Errorf("it took %v", took)
			}
			w.End(false)
		})
	}
}

// After Close, writes tell of themselves. They do it together, so that none waits
// for the others' turns at a store that does not answer.
func TestManyWritesAfterClose(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a := m[0]
		a.Close()
		s.set(func() { a.client.cut = true })
		var writes sync.WaitGroup
		for i := range 50 {
			writes.Go(func() {
				start := time.Now()
				w := a.space.Begin(a.space.Tags(fmt.Sprint("t:", i)))
				if err := w.Announce(t.Context()); err != nil {
					t.Error(err)
				}
				w.End(false)
				if took := time.Since(start); took > 4*nodeConfig.Timeout {
					t.Errorf("a write waited %v", took)
				}
			})
		}
		writes.Wait()
		s.set(func() { a.client.cut = false })
		a.write(t, "t:x")
		s.set(func() {
			for i := range 50 {
				if s.ver[fmt.Sprint("t:", i)] == 0 {
					t.Errorf("write %d was never told of", i)
				}
			}
		})
	})
}
