package integration

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/internal/testserver"
)

// TestMistakes proves of each rule that breaking it is found out: the same
// scenario is judged with and without the mistake.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		mistake  mistake.Mistake
		scenario func(t *testing.T) []checker.Violation
		want     checker.Kind
	}{
		{mistake.StampLate, readAcrossWrite, checker.OwnWrite},
		{mistake.FillInTx, readInTx, checker.Undone},
		{mistake.Delete, storedAfterDelete, checker.OwnWrite},
		{mistake.TornView, newEpoch, checker.OwnWrite},
		{mistake.IgnoreEpoch, acknowledgedElsewhere, checker.OwnWrite},
		{mistake.OneSweep, landsLate, checker.Stale},
		{mistake.NoRecord, writerLost, checker.Stale},
		{mistake.Partial, endsInTheMiddle, checker.Partial},
	} {
		t.Run(tt.mistake.String(), func(t *testing.T) {
			t.Run("not made", func(t *testing.T) {
				for _, v := range tt.scenario(t) {
					t.Error(v)
				}
			})
			t.Run("made", func(t *testing.T) {
				defer mistake.Make(tt.mistake)()
				var found []checker.Violation
				// A machine that is busy enough lets Redis miss its time, and
				// what is wrong there does not show.
				for range 5 {
					if found = tt.scenario(t); slices.ContainsFunc(found, func(v checker.Violation) bool { return v.Kind == tt.want }) {
						t.Logf("found: %v", found[0])
						return
					}
				}
				t.Errorf("no answer that is wrong (%s) was found: %v", tt.want, found)
			})
		})
	}
}

// A process writes while it reads, and reads again.
func readAcrossWrite(t *testing.T) []checker.Violation {
	w := newWitness(t, redisClient(t, testserver.Redis(t)))
	w.during(w.a, func() { w.writes(w.a) })
	w.sees(w.a, gated)
	w.keeps(w.a, gated) // so it is kept at all
	return w.verdict(longPoll, checker.Question{})
}

// A transaction reads what it has written, and is rolled back.
func readInTx(t *testing.T) []checker.Violation {
	w := newWitness(t, redisClient(t, testserver.Redis(t)))
	w.token++
	write := checker.Write{Token: w.token, Begin: now(), Outcome: checker.RolledBack}
	tx, err := w.a.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(raise, w.token); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.Reads = append(w.Reads, w.look(w.a, tx, plain, false))
	}
	w.sees(w.a, plain)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	write.End = now()
	w.Writes = append(w.Writes, write)
	w.sees(w.a, plain)
	return w.verdict(longPoll, checker.Question{})
}

// One process writes, and what Redis holds is deleted, while another one reads,
// which then stores what it has read.
func storedAfterDelete(t *testing.T) []checker.Violation {
	client := redisClient(t, testserver.Redis(t))
	w := newWitness(t, client)
	w.during(w.a, func() {
		w.writes(w.b)
		for _, key := range client.Keys(t.Context(), "qc:*"+w.space+"*:e").Val() {
			client.Del(t.Context(), key)
		}
	})
	w.filled(w.a)
	w.sees(w.b, gated)
	return w.verdict(longPoll, checker.Question{})
}

// Redis forgets everything; in its new epoch one process stores what another one
// then writes.
func newEpoch(t *testing.T) []checker.Violation {
	server := testserver.NewRedis(t)
	client := redisClient(t, "redis://"+server.Addr())
	w := newWitness(t, client)
	for range 20 {
		w.writes(w.a)
	}
	a, b := w.a.shared().Node.Epochs, w.b.shared().Node.Epochs
	client.FlushAll(t.Context())
	w.until("both know the new epoch", func() bool { return w.a.shared().Node.Epochs > a && w.b.shared().Node.Epochs > b })
	for range 5 {
		w.b.warm("SELECT count(*) FROM known") // it knows the catalog again
		w.keeps(w.a, plain)
		w.filled(w.a)
		w.writes(w.b)
		w.sees(w.b, plain)
	}
	return w.verdict(lease+longPoll, checker.Question{})
}

// The first that a process hears of a new epoch is the reply to its own write.
// Entries of the old one are still there.
func acknowledgedElsewhere(t *testing.T) []checker.Violation {
	server := testserver.NewRedis(t)
	client := redisClient(t, "redis://"+server.Addr())
	w := newWitness(t, client)
	for range 5 {
		w.writes(w.b) // so that the next one is announced already
		w.keeps(w.b, plain)
		w.filled(w.b)
		client.Del(t.Context(), client.Keys(t.Context(), "{qc:*:z").Val()...)
		w.writes(w.b)
		w.sees(w.b, plain)
	}
	return w.verdict(lease+longPoll, checker.Question{})
}

// A writer gives up, and its statement takes effect a second later.
func landsLate(t *testing.T) []checker.Violation {
	const c = time.Second
	w := newWitness(t, redisClient(t, testserver.Redis(t)))
	// The cancellation may reach the server between two of its sleeps, and then ends
	// the statement.
	for try := 1; ; try++ {
		w.keeps(w.b, plain)
		w.token++
		w.Writes = append(w.Writes, checker.Write{Token: w.token, Begin: now(), End: checker.Never})
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := w.a.db.ExecContext(ctx, raise+" WHERE (SELECT stubborn($2))", w.token, c.Seconds())
			gone <- err
		}()
		w.until("the statement runs", func() bool {
			var n int
			w.bare.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'").Scan(&n)
			return n > 0
		})
		cancel()
		if err := <-gone; err == nil {
			t.Error("the write has returned: the test shows nothing")
		}
		landed := false
		for end := time.Now().Add(5 * time.Second); !landed && time.Now().Before(end); time.Sleep(time.Millisecond) {
			w.sees(w.b, plain)
			var v int64
			landed = w.bare.QueryRow(plain).Scan(&v, new(int64)) == nil && v > 0
		}
		if landed {
			break
		}
		if try == 5 {
			t.Fatal("in none of five tries did the statement outlive its client")
		}
	}
	w.Saw(0, 1, now())
	w.watches(w.b, c+longPoll)
	return w.verdict(c+longPoll, checker.Question{Seen: true})
}

// A process is lost after its COMMIT, before it could tell.
func writerLost(t *testing.T) []checker.Violation {
	w := loseWriter(t)
	w.watches(w.b, deadline+2*poll)
	return w.verdict(deadline+2*poll, checker.Question{})
}

// An answer ends by an error after some rows. See TestPartsAreFound for what else
// ends one.
func endsInTheMiddle(t *testing.T) []checker.Violation {
	return newFiller(t, redisClient(t, testserver.Redis(t))).round(ends[1])
}

// loseWriter cuts one process off from Redis for good, which then writes.
func loseWriter(t *testing.T) *witness {
	w := newWitness(t, redisClient(t, testserver.Redis(t)))
	way := newProxy(t, redisClient(t, testserver.Redis(t)).Options().Addr)
	w.a = w.node(dial(t, way.addr()), w.dsn, nil)
	w.writes(w.a)
	w.keeps(w.b, plain)
	way.setHole(true)
	w.writes(w.a)
	return w
}

// TestStaleIsNotLinearizable: a stale answer is right in bounded mode, and would
// not be in strict mode, which the checker tells apart.
func TestStaleIsNotLinearizable(t *testing.T) {
	w := loseWriter(t)
	w.watches(w.b, 0)
	for _, v := range w.verdict(deadline+2*poll, checker.Question{}) {
		t.Error(v)
	}
	if n, all := w.Linearizable(checker.All, time.Minute); len(all) != 1 || all[0].Kind != checker.NotLinearizable {
		t.Errorf("of %d operations, with stale ones among them: %v", n, all)
	}
}
