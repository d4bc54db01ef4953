package invalidation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var nodeConfig = NodeConfig{
	Poll: 250 * time.Millisecond, Lease: time.Second, Deadline: 5 * time.Second,
	Timeout: 50 * time.Millisecond, Idle: 10 * time.Second,
	Altered: func() {},
	Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
}

// A member is a node with its space.
type member struct {
	*Node
	space  *Space
	client *memClient
}

// fleet starts nodes on one store, in a bubble whose clock is virtual.
func fleet(t *testing.T, cfg NodeConfig, names string, test func(t *testing.T, s *memStore, m []*member)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newMemStore()
		var members []*member
		for _, name := range names {
			m := &member{space: NewSpace(), client: s.client(string(name))}
			m.Node = NewNode(m.space, m.client, cfg)
			members = append(members, m)
		}
		synctest.Wait()
		test(t, s, members)
		for _, m := range members {
			m.Close()
			m.Close()
		}
		s.set(func() {
			if s.overlap {
				t.Error("a node had two Syncs in flight")
			}
		})
	})
}

func (m *member) alive() bool {
	return m.Alive(func(at time.Time) time.Duration { return time.Since(at) })
}

// entry is an answer that one node reads from the database now.
type entry struct {
	local Stamp
	fleet FleetStamp
	tags  []string
}

func (m *member) read(t *testing.T, tags ...string) entry {
	t.Helper()
	return entry{stampOf(t, m.space, tags...), m.Stamp(), tags}
}

// serves reports whether m would show an answer of its own, and one that it
// finds in the shared tier.
func (m *member) serves(e entry) (own, shared bool) {
	return m.alive() && e.local.Valid(), m.alive() && m.Valid(e.fleet, e.tags)
}

func (m *member) write(t *testing.T, tags ...string) {
	t.Helper()
	w := m.space.Begin(m.space.Tags(tags...))
	if err := w.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.End(false)
}

// A write reaches all nodes at once, and its own before it returns; others'
// answers stay.
func TestNodesHearOfWrites(t *testing.T) {
	for _, hints := range []bool{true, false} {
		fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
			s.set(func() { s.noHints = !hints })
			a, b := m[0], m[1]
			mine, theirs, other := a.read(t, "t:x"), b.read(t, "t:x"), b.read(t, "t:y")
			if own, shared := b.serves(theirs); !own || !shared {
				t.Fatal("an answer is not used although nothing was written")
			}
			start := time.Now()
			a.write(t, "t:x")
			if took := time.Since(start); took > 0 {
				t.Errorf("the write took %v", took)
			}
			if own, shared := a.serves(mine); own || shared {
				t.Error("the writer does not read its own write")
			}
			synctest.Wait()
			if !hints {
				time.Sleep(nodeConfig.Poll * 6 / 5)
				synctest.Wait()
			}
			if own, shared := b.serves(theirs); own || shared {
				t.Errorf("with hints %v: another node shows what was there before: own %v, shared %v", hints, own, shared)
			}
			if own, shared := b.serves(other); !own || !shared {
				t.Error("an answer without that table is gone")
			}
			again := b.read(t, "t:x")
			if own, shared := b.serves(again); !own || !shared {
				t.Error("what was read after the write is not used")
			}
			if _, shared := a.serves(again); !shared {
				t.Error("what the other node has read is not used")
			}
		})
	}
}

// A node that hears nothing stops using answers before its lease is over, and
// one that is back knows what it missed.
func TestNodeCutOff(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		old := b.read(t, "t:x")
		s.set(func() { b.client.cut = true })
		a.write(t, "t:x")
		time.Sleep(nodeConfig.Lease)
		if own, shared := b.serves(old); own || shared {
			t.Error("an answer is used after the lease")
		}
		b.Touch()
		s.set(func() { b.client.cut = false })
		time.Sleep(time.Second)
		if !b.alive() {
			t.Fatal("it does not come back")
		}
		if own, shared := b.serves(old); own || shared {
			t.Error("what was missed was never heard of")
		}
	})
}

// A write of tags that are not in the record waits for the store; one of tags
// that are does not, for as long as the store would wait for the node.
func TestAnnounce(t *testing.T) {
	cfg := nodeConfig
	cfg.Fail = true
	fleet(t, cfg, "a", func(t *testing.T, s *memStore, m []*member) {
		a := m[0]
		try := func(tag string) (time.Duration, error) {
			start := time.Now()
			w := a.space.Begin(a.space.Tags(tag))
			err := w.Announce(t.Context())
			w.Cancel()
			return time.Since(start), err
		}
		s.set(func() { s.delay = 10 * time.Millisecond })
		if took, err := try("t:x"); err != nil || took < 10*time.Millisecond {
			t.Errorf("the first write waited %v, %v", took, err)
		}
		if took, err := try("t:x"); err != nil || took != 0 {
			t.Errorf("the second write waited %v, %v", took, err)
		}
		s.set(func() { s.down = true })
		if took, err := try("t:y"); !errors.Is(err, ErrUnannounced) || took > cfg.Timeout {
			t.Errorf("a new table: %v after %v", err, took)
		}
		time.Sleep(cfg.Deadline - 3*cfg.Poll)
		if took, err := try("t:x"); err != nil || took != 0 {
			t.Errorf("within the grace: %v after %v", err, took)
		}
		time.Sleep(3 * cfg.Poll)
		if _, err := try("t:x"); !errors.Is(err, ErrUnannounced) {
			t.Errorf("after the grace: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := a.space.Begin(a.space.Tags("t:z"))
		if err := w.Announce(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a driver may send a statement whose context has ended: %v", err)
		}
		w.Cancel()
	})
}

// What a node did not live to tell, the store tells for it; a COMMIT whose end
// was not seen is told of again and again.
func TestSilentWriter(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		w := a.space.Begin(a.space.Tags("t:x"))
		if err := w.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.set(func() { a.client.cut = true }) // dead, after its COMMIT
		old := b.read(t, "t:x")
		for end := time.Now().Add(nodeConfig.Deadline + 2*nodeConfig.Poll); time.Now().Before(end); time.Sleep(nodeConfig.Poll) {
			b.Touch()
		}
		if own, shared := b.serves(old); own || shared {
			t.Error("a dead writer's table is still shown as it was")
		}
		s.set(func() { a.client.cut = false })
		w.End(true)
		for _, after := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
			old = b.read(t, "t:x")
			b.Touch()
			time.Sleep(after + nodeConfig.Poll*6/5)
			if own, shared := b.serves(old); own || shared {
				t.Errorf("not bumped again within %v", after)
			}
		}
	})
}

// After FLUSHALL nothing from before is used, and a node reads its own writes
// also then.
func TestFlush(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		for range 5 {
			a.write(t, "t:x")
		}
		synctest.Wait()
		old, other := a.read(t, "t:x"), b.read(t, "t:y")
		s.flush()
		a.write(t, "t:x")
		if own, shared := a.serves(old); own || shared {
			t.Error("the writer does not read its own write after a flush")
		}
		time.Sleep(nodeConfig.Poll * 6 / 5)
		if own, shared := b.serves(other); own || shared {
			t.Error("an answer of the epoch before is used")
		}
		if own, shared := b.serves(b.read(t, "t:y")); !own || !shared {
			t.Error("nothing is used in the new epoch")
		}
	})
}

// A reply that is lost leaves the tags dirty until the bump is acknowledged.
func TestLostReply(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		a.write(t, "t:x")
		old := b.read(t, "t:x")
		s.set(func() { s.down = true })
		start := time.Now()
		w := a.space.Begin(a.space.Tags("t:x"))
		if err := w.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.End(false)
		if took := time.Since(start); took > nodeConfig.Timeout {
			t.Errorf("the write waited %v", took)
		}
		if e := a.read(t, "t:x"); e.local.Valid() {
			t.Error("a tag is clean although nobody was told of its write")
		}
		s.set(func() { s.down, s.loseReply = false, true })
		time.Sleep(time.Second)
		s.set(func() { s.loseReply = false })
		time.Sleep(time.Second)
		if e := a.read(t, "t:x"); !e.local.Valid() {
			t.Error("a tag stays dirty although its write is told of")
		}
		if own, shared := b.serves(old); own || shared {
			t.Error("the bump was lost")
		}
		if a.Stats().Late != 1 {
			t.Errorf("%+v", a.Stats())
		}
	})
}

// A write that may be visible while it goes on is told of in every Sync.
func TestOpenWrite(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		w := a.space.Begin(a.space.Tags("t:x"))
		if err := w.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Bump()
		for range 80 { // beyond the time that a tag stays in the record
			old := b.read(t, "t:x")
			b.Touch()
			time.Sleep(nodeConfig.Poll * 6 / 5)
			synctest.Wait()
			if own, shared := b.serves(old); own || shared {
				t.Fatal("an open write was not told of")
			}
		}
		w.End(false)
		time.Sleep(nodeConfig.Poll)
		old := b.read(t, "t:x")
		time.Sleep(nodeConfig.Poll * 2)
		if own, shared := b.serves(old); !own || !shared {
			t.Error("a write that has ended is still told of")
		}
	})
}

// A node that nobody uses lets the store rest; the first read after that pays
// one Sync.
func TestIdle(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		old := b.read(t, "t:x")
		time.Sleep(time.Minute)
		calls := 0
		s.set(func() { calls = s.calls })
		time.Sleep(time.Minute)
		s.set(func() {
			if s.calls != calls {
				t.Errorf("%d Syncs in a minute without use", s.calls-calls)
			}
		})
		a.write(t, "t:x")
		if b.alive() || !b.Revive(t.Context()) || !b.alive() {
			t.Fatal("the node is not revived")
		}
		if own, shared := b.serves(old); own || shared {
			t.Error("what was written meanwhile is not known")
		}
		time.Sleep(time.Hour)
		s.set(func() { s.down = true })
		if b.Revive(t.Context()) {
			t.Error("revived without a store")
		}
		start := time.Now()
		if b.Revive(t.Context()) || time.Since(start) > 0 {
			t.Error("a read waits for a store that is down")
		}
	})
}

// A read-after-write token is waited for.
func TestReach(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		s.set(func() { s.noHints = true })
		a, b := m[0], m[1]
		old := b.read(t, "t:x")
		a.write(t, "t:x")
		token := a.Stamp()
		if own, _ := b.serves(old); !own {
			t.Fatal("the test shows nothing: it is known already")
		}
		if !b.Reach(t.Context(), token) {
			t.Fatal("not reached")
		}
		if own, shared := b.serves(old); own || shared {
			t.Error("a read with the token shows the old row")
		}
		s.flush()
		if !b.Reach(t.Context(), FleetStamp{"gone", 5}) {
			t.Error("a token of an epoch that is gone is never reached")
		}
		s.set(func() { s.down = true })
		if b.Reach(t.Context(), FleetStamp{"gone", 6}) {
			t.Error("reached without a store")
		}
	})
}

// Close leaves no record, unless a write is under way; that is told of all the
// same when it ends.
func TestCloseTellsTheRest(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		a.write(t, "t:x")
		w := a.space.Begin(a.space.Tags("t:y"))
		if err := w.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if a.alive() {
			t.Error("a closed node uses answers")
		}
		s.set(func() {
			if s.records["a"] == nil {
				t.Error("a write is under way, but the record is gone")
			}
		})
		old := b.read(t, "t:y")
		w.End(false)
		synctest.Wait()
		if own, shared := b.serves(old); own || shared {
			t.Error("a write that ended after Close is not told of")
		}
		s.set(func() {
			if s.records["a"] != nil {
				t.Error("the record stays")
			}
		})
		old = b.read(t, "t:z")
		a.write(t, "t:z")
		synctest.Wait()
		if own, shared := b.serves(old); own || shared {
			t.Error("a write after Close is not told of")
		}
	})
}

// A schema change is told of, by hint and by reply; so is that it may have been
// missed.
func TestSchemaIsToldOf(t *testing.T) {
	for _, hints := range []bool{true, false} {
		cfg := nodeConfig
		var altered atomic.Int64
		cfg.Altered = func() { altered.Add(1) }
		fleet(t, cfg, "ab", func(t *testing.T, s *memStore, m []*member) {
			s.set(func() { s.noHints = !hints })
			before := altered.Load()
			a := m[0]
			a.write(t, "t:x")
			time.Sleep(time.Second)
			if altered.Load() != before {
				t.Error("a plain write is taken for a schema change")
			}
			w := a.space.Begin(Everything().With(a.space.Tags(Schema)))
			w.End(false)
			time.Sleep(time.Second)
			if got := altered.Load() - before; got != 2 { // the writer, too, hears of it
				t.Errorf("told of %d times, want by both nodes", got)
			}
			s.flush()
			m[0].Touch()
			m[1].Touch()
			time.Sleep(time.Second)
			if got := altered.Load() - before; got != 4 {
				t.Errorf("%d times after a flush, want 4", got)
			}
		})
	}
}

// A write that takes longer than a tag stays in the record keeps it there.
func TestLongWriteStaysInTheRecord(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		w := a.space.Begin(a.space.Tags("t:x"))
		if err := w.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(recordStay + 2*time.Second)
		if !b.alive() && !b.Revive(t.Context()) {
			t.Fatal("not alive")
		}
		old := b.read(t, "t:x")
		s.set(func() { a.client.cut = true }) // it commits now, and is killed
		for end := time.Now().Add(nodeConfig.Deadline + 2*nodeConfig.Poll); time.Now().Before(end); time.Sleep(nodeConfig.Poll) {
			b.Touch()
		}
		if own, shared := b.serves(old); own || shared {
			t.Errorf("a dead writer's table is shown as it was: own %v, shared %v", own, shared)
		}
		s.set(func() { a.client.cut = false })
		w.End(false)
	})
}

// So many tags at once that a node folds what it knows: what it has not heard of
// yet is folded too.
func TestFoldForgetsNothing(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		old := b.read(t, "t:x")
		s.set(func() { s.noHints = true })
		a.write(t, "t:x")
		s.set(func() { s.noHints = false })
		var many []*tag
		for i := range defaultLimit + 1 {
			many = append(many, &tag{name: fmt.Sprint("u:", i)})
		}
		w := a.space.Begin(tagsOf(many, false))
		w.End(false)
		time.Sleep(2 * nodeConfig.Poll)
		if own, shared := b.serves(old); own || shared {
			t.Errorf("own %v, shared %v", own, shared)
		}
	})
}

// While the store is known to be down nobody waits for it; when it is back, hints
// are heard at once.
func TestOutage(t *testing.T) {
	fleet(t, nodeConfig, "ab", func(t *testing.T, s *memStore, m []*member) {
		a, b := m[0], m[1]
		s.set(func() { s.down = true })
		for range 60 {
			time.Sleep(time.Second)
			a.Touch()
		}
		start := time.Now()
		for range 10 {
			w := a.space.Begin(a.space.Tags("t:x"))
			if err := w.Announce(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.End(false)
			if a.Reach(t.Context(), FleetStamp{"E", 1 << 40}) {
				t.Error("reached without a store")
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("ten writes and reads waited %v", took)
		}
		s.set(func() { s.down = false })
		for b.touch(); !b.alive(); b.touch() {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		old := b.read(t, "t:y")
		a.write(t, "t:y")
		synctest.Wait()
		if own, _ := b.serves(old); own {
			t.Error("hints are not heard although the store is back")
		}
	})
}

// A token never leaves out a write that has returned.
func TestTokensCoverWrites(t *testing.T) {
	cfg := nodeConfig
	cfg.Timeout = time.Millisecond / 2
	fleet(t, cfg, "a", func(t *testing.T, s *memStore, m []*member) {
		a := m[0]
		a.write(t, "t:x") // is in the record now
		for range 200 {
			s.set(func() { s.delay = 400 * time.Microsecond })
			a.write(t, "t:x")
			token := a.Told()
			s.set(func() {
				if token.Seq < s.seq {
					t.Errorf("the token stands for %d, the write is %d", token.Seq, s.seq)
				}
			})
		}
	})
}
