package invalidation

import (
	"errors"
	"testing"
	"time"
)

// A tag that leaves the record is not announced any more from when the store is
// sent the shorter one, whether or not that is answered: should the writer die, the
// store would not speak for it.
func TestTagLeavesTheRecord(t *testing.T) {
	cfg := nodeConfig
	cfg.Fail = true
	for name, fault := range map[string]func(*memStore){
		"while the Sync is under way":     func(s *memStore) { s.late = 40 * time.Millisecond },
		"although the Sync has no answer": func(s *memStore) { s.loseReply = true },
	} {
		t.Run(name, func(t *testing.T) {
			fleet(t, cfg, "ab", func(t *testing.T, s *memStore, m []*member) {
				a, b := m[0], m[1]
				a.write(t, "t:x")
				time.Sleep(recordStay - nodeConfig.Poll)
				s.set(func() { fault(s) })
				for named := true; named; time.Sleep(time.Millisecond) {
					a.Touch()
					b.Touch()
					s.set(func() { named = s.records["a"] != nil })
				}
				w := a.space.Begin(a.space.Tags("t:x"))
				err := w.Announce(t.Context())
				s.set(func() { a.client.cut = true; s.late, s.loseReply = 0, false }) // a is dead, after its COMMIT
				if !b.alive() && !b.Revive(t.Context()) {
					time.Sleep(nodeConfig.Poll * 2)
				}
				old := b.read(t, "t:x")
				for end := time.Now().Add(nodeConfig.Deadline + 2*nodeConfig.Poll); time.Now().Before(end); time.Sleep(nodeConfig.Poll) {
					b.Touch()
				}
				if own, shared := b.serves(old); err == nil && (own || shared) {
					t.Error("a dead writer's table is shown as it was: nobody speaks for it")
				}
				if err != nil && !errors.Is(err, ErrUnannounced) {
					t.Error(err)
				}
				s.set(func() { a.client.cut = false })
				w.End(false)
			})
		})
	}
}
