package integration

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// A phase is the time of one fault, from before it until the fleet has come
// back.
type phase struct {
	name     string
	from, to int64
	bounds   []bound
}

// A bound is how old an answer may be in a phase.
type bound struct {
	name string // of whom, if not of all
	most time.Duration
	question
	p99 time.Duration // if there is a bound for it
	// awake: not of reads during which the process was stopped.
	awake bool
}

// all is a bound for everybody.
func all(most time.Duration) bound { return bound{most: most} }

// phase runs do while the fleet works, and waits for it to come back.
func (f *fleet) phase(name string, do func(), bounds ...bound) {
	f.Helper()
	from := now()
	do()
	f.live()
	time.Sleep(2 * poll)
	f.phases = append(f.phases, phase{name: name, from: from, to: now(), bounds: bounds})
}

// begin lets all processes read and write.
func (f *fleet) begin() { f.order(command{Read: &yes, Write: &yes}) }

// end brings the fleet to rest and judges what it did.
func (f *fleet) end() {
	f.Helper()
	f.order(command{Read: &no, Write: &no})
	f.order(command{Rest: true})
	for _, p := range f.members {
		f.until(p.config.Name+" rests", p.told(&p.done))
	}
	for _, p := range f.members {
		p.end()
	}
	for _, p := range f.members {
		if s := p.status.Status; s != nil {
			f.Logf("%s: %+v", p.config.Name, *s)
			if s.Unreadable > 0 {
				f.Errorf("%s: %d entries were not readable", p.config.Name, s.Unreadable)
			}
		}
	}
	h := f.history()
	for _, ph := range f.phases {
		f.check(h, ph)
	}
	whole := question{to: never, own: true}
	if a := h.judge(whole); a.max > 0 {
		f.Errorf("a process does not read its own write, %v after it: %+v", a.max, a.worst)
	}
	f.atRest(h)
}

// atRest fails for every answer that differs from the database for good.
func (f *fleet) atRest(h *history) {
	f.Helper()
	for _, p := range f.members {
		for _, r := range p.last {
			if want := int64(len(h.logs[r.Table])); r.Version != want {
				f.Errorf("at rest: %s shows version %d of t%d from %s, the last one is %d", p.config.Name, r.Version, r.Table, r.How, want)
			}
		}
		if n := len(p.last); n != f.tables*p.config.lastReads() && p.killed == 0 {
			f.Errorf("at rest: %s has told of %d reads", p.config.Name, n)
		}
	}
}

// history merges what the processes have told with what the database says.
func (f *fleet) history() *history {
	f.Helper()
	h := &history{ends: make(map[int64]int64), writers: make(map[int64]int), logs: make([][]int64, f.tables), seen: f.seen}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.tables {
		var log string
		if err := f.bare.QueryRow(fmt.Sprintf("SELECT array_to_string(log, ' ') FROM t%d", i)).Scan(&log); err != nil {
			f.Fatal(err)
		}
		for _, word := range strings.Fields(log) {
			var token int64
			fmt.Sscan(word, &token)
			h.logs[i] = append(h.logs[i], token)
			h.writers[token] = int(token/tokens) - 1
		}
	}
	for _, p := range f.members {
		p.mu.Lock()
		if p.killed != 0 {
			for _, r := range p.begun {
				h.ends[r.Token] = p.killed
			}
		}
		for _, r := range p.records {
			if r.Kind == isWritten {
				h.ends[r.Token] = r.After
				continue
			}
			h.reads = append(h.reads, read{r, p.index})
			h.saw(r.Table, r.Version, r.After)
		}
		p.mu.Unlock()
	}
	return h
}

// check judges one phase and adds it to the results.
func (f *fleet) check(h *history, ph phase) {
	f.Helper()
	failed, writes := 0, 0
	for _, p := range f.members {
		for _, r := range p.failed {
			if r.After >= ph.from && r.After <= ph.to {
				f.Errorf("%s: %s: %s", ph.name, p.config.Name, r.How)
				failed++
			}
		}
		for _, r := range p.records {
			if r.Kind == isWritten && r.After >= ph.from && r.After <= ph.to {
				writes++
			}
		}
	}
	usual := f.margin(ph)
	for _, b := range ph.bounds {
		margin := usual
		if b.most == longPoll {
			margin += f.missed(ph)
		}
		q := b.question
		if b.awake {
			for _, i := range q.readers {
				q.skip = append(q.skip, f.members[i].halts...)
			}
		}
		q.from, q.to = ph.from, ph.to
		a := h.judge(q)
		for _, wrong := range a.impossible {
			f.Errorf("%s: %s", ph.name, wrong)
		}
		name := ph.name
		if b.name != "" {
			name += ": " + b.name
		}
		if a.max > b.most+margin {
			f.Errorf("%s: an answer was stale for %v, bound %v and %v for a busy machine: %+v", name, a.max, b.most, margin, a.worst)
		}
		if b.p99 > 0 && a.p99 > b.p99+margin {
			f.Errorf("%s: 99 %% of the answers were stale for less than %v, bound %v", name, a.p99, b.p99)
		}
		if a.cached < a.reads/10 || a.reads == 0 {
			f.Errorf("%s: %d of %d reads were from the cache: the test shows little", name, a.cached, a.reads)
		}
		results.add(result{name, b.most, margin, a, writes, failed})
	}
}

// margin is what a bound has to be widened by because the machine is busy: on
// the way from a writer to a reader there are a few timers and wakings, and
// each may be as late as the latest timer that was measured meanwhile.
func (f *fleet) margin(ph phase) time.Duration {
	const wakings = 3
	worst := int64(0)
	consider := func(list []lateness, halts [][2]int64) {
		for _, l := range list {
			stopped := slices.ContainsFunc(halts, func(h [2]int64) bool {
				return l.at > h[0] && l.at-l.by <= h[1]+int64(100*time.Millisecond)
			})
			if l.at >= ph.from && l.at <= ph.to && !stopped {
				worst = max(worst, l.by)
			}
		}
	}
	f.mu.Lock()
	consider(f.late, nil)
	f.mu.Unlock()
	for _, p := range f.members {
		consider(p.late, p.halts)
	}
	return 20*time.Millisecond + wakings*time.Duration(worst)
}

// missed is by how much a bound of one poll has to be widened: where Redis itself
// works, a Sync fails only because the machine is too busy to do it in time, and
// the next one is a poll away.
func (f *fleet) missed(ph phase) time.Duration {
	most := int64(0)
	for _, p := range f.members {
		before, during := int64(0), int64(0)
		for _, m := range p.missed {
			if m.at < ph.from {
				before = m.by
			}
			if m.at <= ph.to+int64(100*time.Millisecond) {
				during = m.by
			}
		}
		most = max(most, during-before)
	}
	return time.Duration(min(most, 3)) * (timeout + longPoll)
}

// results are what all tests of this run have measured.
var results resultList

type resultList struct {
	mu   sync.Mutex // guards list
	list []result
}

type result struct {
	name          string
	bound, margin time.Duration
	answer
	writes, failed int
}

func (l *resultList) add(r result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, r)
}

func (l *resultList) print(w io.Writer) {
	if len(l.list) == 0 {
		return
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "fault\tbound\tmargin\tmax\tp99\tstale reads\treads\tcached\twrites\tfailed")
	for _, r := range l.list {
		fmt.Fprintf(tab, "%s\t%v\t%v\t%v\t%v\t%d\t%d\t%.0f %%\t%d\t%d\n", r.name,
			r.bound, ms(r.margin), ms(r.max), ms(r.p99), r.stale, r.reads, 100*float64(r.cached)/float64(max(r.reads, 1)), r.writes, r.failed)
	}
	tab.Flush()
}

func ms(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
