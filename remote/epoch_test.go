package remote

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
)

func TestNewEpoch(t *testing.T) {
	both(t, nil, func(t *testing.T, s *testserver.RedisServer, tier func() *Tier) {
		admin := dialServer(t, s)
		a := newNode(t, tier(), "a")
		b := newNode(t, tier(), "b")
		for name, lose := range map[string]func() error{
			"FLUSHALL": func() error { return admin.FlushAll(t.Context()).Err() },
			"DEL":      func() error { return admin.Del(t.Context(), a.tier.keys.control).Err() },
			"SCRIPT FLUSH and DEL": func() error {
				return errors.Join(admin.ScriptFlush(t.Context()).Err(), admin.Del(t.Context(), a.tier.keys.control).Err())
			},
		} {
			a.sync("x")
			b.sync()
			before := a.last.Epoch
			if err := lose(); err != nil {
				t.Fatal(err)
			}
			if r := a.sync(); r.Epoch == before || len(r.Changed) != 0 {
				t.Errorf("after %s: %+v", name, r)
			}
			if r := b.sync("y"); r.Epoch == before || !slices.Contains(tags(r), "y") {
				t.Errorf("after %s another node learns %+v", name, r)
			}
			a.sync() // in Witness mode the other node has made one more epoch
			if a.last.Epoch != b.last.Epoch {
				t.Errorf("after %s: epochs %q and %q", name, a.last.Epoch, b.last.Epoch)
			}
		}
		before := a.last.Epoch
		if err := admin.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if r := a.sync(); r.Epoch != before {
			t.Error("a new epoch after SCRIPT FLUSH alone")
		}
	})
}

// TestPlanted: when an epoch begins, the record of a dead writer may have been
// lost, so everything is bumped once more, and the schema.
func TestPlanted(t *testing.T) {
	tier := attach(t, Config{Client: dial(t, testserver.Redis(t))})
	start := time.Now()
	a := newNode(t, tier, "a")
	await(t, "the planted record", func() bool { a.sync(); return a.vers["*"] > 0 })
	if a.vers["!"] != a.vers["*"] {
		t.Errorf("everything was bumped with %d, the schema with %d", a.vers["*"], a.vers["!"])
	}
	if d := time.Since(start); d < shortD {
		t.Errorf("it was bumped after %v, want %v", d, shortD)
	}
	seq := a.last.Seq
	time.Sleep(shortD) // the absence of an event
	if a.sync(); a.last.Seq != seq {
		t.Error("it was bumped twice")
	}
}

func TestRestart(t *testing.T) {
	s := testserver.NewRedis(t, "appendonly yes", "appendfsync always")
	a := newNode(t, attach(t, Config{Client: dialServer(t, s)}), "a")
	a.sync("x")
	before := a.last
	s.Kill()
	if _, err := a.try(); err == nil {
		t.Error("no error while Redis is down")
	}
	s.Start()
	await(t, "an answer", func() bool { _, err := a.try(); return err == nil })
	if a.last.Epoch == before.Epoch || len(a.vers) != 0 {
		t.Errorf("after a restart from its own file: %+v", a.last)
	}
}

// TestGoneBack restores an older state of the control key under a server that
// stays the same, as a failover to a lagging replica looks to a script that
// may not ask for the run_id.
func TestGoneBack(t *testing.T) {
	both(t, nil, func(t *testing.T, s *testserver.RedisServer, tier func() *Tier) {
		admin := dialServer(t, s)
		a := newNode(t, tier(), "a")
		a.r.Deadline = time.Minute
		a.sync("x")
		old, err := admin.Dump(t.Context(), a.tier.keys.control).Result()
		if err != nil {
			t.Fatal(err)
		}
		restore := func() {
			if err := admin.RestoreReplace(t.Context(), a.tier.keys.control, 0, old).Err(); err != nil {
				t.Fatal(err)
			}
		}
		before := a.last.Epoch
		restore() // nothing is lost
		if a.sync(); a.last.Epoch != before {
			t.Error("a new epoch although nothing was lost")
		}
		a.sync("y")
		restore() // the bump of y is: the caller has seen a later sequence number
		if a.sync(); a.last.Epoch == before {
			t.Error("the loss of a bump went unnoticed")
		}
		if a.tier.Stats().Mode == RunID {
			return // where it cannot happen without another run_id
		}
		before = a.last.Epoch
		if old, err = admin.Dump(t.Context(), a.tier.keys.control).Result(); err != nil {
			t.Fatal(err)
		}
		b := newNode(t, a.tier, "b") // its bump is what gets lost
		b.sync("z")
		a.r.Record = []string{"x"}
		a.sync()
		restore()
		a.r.After = 0 // without the sequence number, the record is the witness
		if a.sync(); a.last.Epoch == before {
			t.Error("the record bore no witness")
		}
	})
}

// TestLostReply: a reply that did not come is no loss of data.
func TestLostReply(t *testing.T) {
	both(t, nil, func(t *testing.T, s *testserver.RedisServer, tier func() *Tier) {
		a := newNode(t, tier(), "a")
		a.r.Deadline = time.Minute
		epoch := a.sync().Epoch
		for i := range 40 { // more than are remembered
			a.r.Record = append(a.r.Record, fmt.Sprint(i))
			held := slices.Clone(a.tier.own.held)
			acked := a.tier.own.acked
			a.sync()
			// As if it had not come back.
			a.tier.own.held = append(held, a.tier.own.held...)
			if len(a.tier.own.held) > maxHeld {
				a.tier.own.held = slices.Delete(a.tier.own.held, 1, 2)
			}
			a.tier.own.acked = acked
		}
		if a.sync(); a.last.Epoch != epoch {
			t.Error("a new epoch after lost replies")
		}
		n, err := dialServer(t, s).ZCount(t.Context(), a.tier.keys.control, "(-inf", "(0").Result()
		if err != nil || n > 15 {
			t.Errorf("%d records are left, %v", n, err)
		}
	})
}
