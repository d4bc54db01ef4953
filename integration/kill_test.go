package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/testserver"
)

// TestWritersKilled kills processes, each of which writes more tables than a
// record has room for, after their COMMITs and before they could tell. That
// moment is too short to be hit; so they are cut off from Redis first, for less
// time than they wait for it.
func TestWritersKilled(t *testing.T) {
	t.Parallel()
	for try := range 5 {
		untold := 0
		t.Run(fmt.Sprint("try ", try+1), func(t *testing.T) { untold = writersKilled(t) })
		if untold > 0 || t.Failed() {
			return
		}
	}
	t.Error("in none of five tries was a write committed whose end was not told: the test shows nothing")
}

// writersKilled returns how many writes were committed and not told of.
func writersKilled(t *testing.T) (untold int) {
	const readers, writers, each = 3, 2, 200
	f := newFleet(t, testserver.NewRedis(t).Addr(), writers*each, readers+writers, func(i int, c *memberConfig) {
		c.Writers, c.ReadPause = 0, 500
		if i < readers {
			return
		}
		c.Readers, c.Writers, c.WritePause, c.Shared = 0, 4, 1000, 0
		for table := range each {
			c.Own = append(c.Own, (i-readers)*each+table)
		}
	})
	f.begin()
	// Once, the deadline after its beginning, a new epoch bumps everything: not
	// that is to be seen here. Meanwhile most tables are written and read.
	time.Sleep(deadline + observe(2*poll))
	lost := make(map[int]bool)
	f.phase("writers killed between COMMIT and bump, 400 tables", func() {
		for _, p := range f.members[readers:] {
			p.proxy.setHole(true)
		}
		time.Sleep(timeout / 2)
		for i, p := range f.members[readers:] {
			p.kill()
			lost[readers+i] = true
		}
		time.Sleep(deadline + 2*poll)
	}, bound{most: deadline + 2*poll})
	f.works(readers, readers+1)
	f.end()
	h := f.history()
	for _, w := range h.Writes {
		if lost[w.Process] && w.Outcome == checker.Unknown && slices.Contains(h.Logs[w.Table], w.Token) {
			untold++
		}
	}
	t.Logf("%d writes were committed and not told of", untold)
	return untold
}

// TestStopped stops a process, for longer than its answers may be used and for
// longer than others wait for what it may have written.
func TestStopped(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testserver.NewRedis(t).Addr(), 8, 4, func(i int, c *memberConfig) {
		own(i, c)
		if i == 1 { // some of its writes are under way when it is stopped
			c.Writers, c.WritePause = 4, 5000
			c.Readers, c.ReadPause = 6, 500 // and many reads go on with it
		}
	})
	f.begin()
	time.Sleep(poll)
	for _, d := range []time.Duration{2 * time.Second, 6 * time.Second} {
		f.phase(fmt.Sprint("a process is stopped for ", d), func() {
			f.members[1].stop()
			time.Sleep(d)
			f.members[1].goOn()
			time.Sleep(poll)
		},
			bound{name: "itself", most: lease + timeout, awake: true, Question: checker.Question{Readers: []int{1}}},
			bound{name: "others", most: min(d+longPoll, deadline+2*poll), Question: checker.Question{Readers: f.except(1), Seen: true}})
		f.works(1)
	}
	f.end()
}
