package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/testserver"
)

func (f *fleet) proxies(change func(p *proxy)) {
	for _, p := range f.members {
		p.proxy.set(change)
	}
}

// except returns all processes but one.
func (f *fleet) except(i int) []int {
	var others []int
	for _, p := range f.members {
		if p.index != i {
			others = append(others, p.index)
		}
	}
	return others
}

// TestWayFaults runs a fleet while the way to Redis is bad, and while Redis is
// replaced by one that has missed what was written last.
func TestWayFaults(t *testing.T) {
	t.Parallel()
	primary := testserver.NewRedis(t)
	replica := testserver.Replica(t, primary)
	f := newFleet(t, primary.Addr(), 8, 4, own)
	f.begin()
	time.Sleep(poll)
	few := observe(time.Second)
	during := func(on, off func(p *proxy)) func() {
		return func() {
			f.proxies(on)
			time.Sleep(few)
			f.proxies(off)
		}
	}
	hints := func(how int) func() {
		return during(func(p *proxy) { p.hints = how }, func(p *proxy) { p.hints = passHints })
	}

	f.phase("a lagging replica is promoted", func() {
		replica.Cut()
		time.Sleep(2 * time.Second) // of bumps that are lost
		primary.Kill()
		replica.Promote()
		for _, p := range f.members {
			p.proxy.set(func(p *proxy) { p.target = replica.Addr() })
			p.proxy.reset()
		}
		time.Sleep(few)
	}, all(poll+lease))
	f.phase("all hints lost", hints(dropHints), all(longPoll))
	f.works()
	f.phase("hints twice", hints(doubleHints), all(longPoll))
	f.works()
	f.phase("hints in another order", hints(swapHints), all(longPoll))
	f.works()
	// Half on the way there and half on the way back. See TestRedisFaults for
	// the bound.
	f.phase("Redis slow, 2ρ", during(func(p *proxy) { p.delay = timeout }, func(p *proxy) { p.delay = 0 }), all(max(lease+timeout, few+longPoll)))
	f.phase("replies torn", during(func(p *proxy) { p.tear = 10 }, func(p *proxy) { p.tear = 0 }), all(lease+timeout))

	reader := f.members[1]
	f.quieten(reader) // what it has written last is to be known
	reader.order(command{Read: &yes})
	f.phase("one that only reads is cut off for 3 s", func() {
		reader.proxy.setHole(true)
		time.Sleep(3 * time.Second)
		reader.proxy.setHole(false)
	},
		bound{name: "itself", most: lease + timeout, Question: checker.Question{Readers: []int{1}}},
		bound{name: "the others", most: longPoll, Question: checker.Question{Readers: f.except(1)}})
	f.works(1)
	reader.order(command{Write: &yes})

	writer, cut := f.members[2], observe(deadline+1500*time.Millisecond)
	f.phase("one that writes is cut off", func() {
		writer.proxy.setHole(true)
		time.Sleep(cut)
		writer.proxy.setHole(false)
	},
		bound{name: "itself", most: lease + timeout, Question: checker.Question{Readers: []int{2}}},
		bound{name: "others, of what it writes", most: max(deadline, cut) + longPoll, Question: checker.Question{Readers: f.except(2), Writers: []int{2}}},
		bound{name: "others, of what others write", most: longPoll, Question: checker.Question{Readers: f.except(2), Writers: f.except(2)}})
	f.works(2)
	f.end()
}

// TestFleetFindsFaults: processes that do not hear of each other are found out. A
// slow machine needs more time to write and read what shows it.
func TestFleetFindsFaults(t *testing.T) {
	t.Parallel()
	var missing []string
	for d := 4 * poll; d <= 64*poll; d *= 2 {
		t.Run(d.String(), func(t *testing.T) { missing = unheard(t, d) })
		if len(missing) == 0 || t.Failed() {
			return
		}
	}
	t.Errorf("not found: %q", missing)
}

// unheard lets such processes work for a time, and returns what was not found.
func unheard(t *testing.T, d time.Duration) (missing []string) {
	f := newFleet(t, testserver.NewRedis(t).Addr(), 4, 2, func(i int, c *memberConfig) { c.Namespace += c.Name })
	f.begin()
	from := now()
	time.Sleep(d)
	f.rest()
	h := f.history()
	if a := h.Judge(checker.Question{From: from}); a.Max < 2*poll {
		missing = append(missing, fmt.Sprintf("a fleet without invalidation is stale for %v at most, in %d reads", a.Max, a.Reads))
	}
	if a := h.Judge(checker.Question{Own: true}); a.Max > 0 {
		t.Errorf("a process alone does not read its own write: %v", a.Max)
	}
	fresh := func(r record) bool { return r.Version == int64(len(h.Logs[r.Table])) }
	if !slices.ContainsFunc(f.members, func(p *process) bool {
		return !slices.ContainsFunc(p.last, fresh) || slices.ContainsFunc(p.last, func(r record) bool { return !fresh(r) })
	}) {
		missing = append(missing, "at rest, everything agrees")
	}
	return missing
}
