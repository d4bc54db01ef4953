package integration

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/querycache/querycache/integration/checker"
)

// A phase is the time of one fault, from before it until the fleet has come
// back.
type phase struct {
	name     string
	from, to int64
	bounds   []bound
	// mayFail: queries fail in it as they would without a cache.
	mayFail bool
	// short: it may be over before the cache has answered much.
	short bool
	// works: Redis does, and so does the way to it but for these members.
	works  bool
	faulty []int
}

// A bound is how old an answer may be in a phase.
type bound struct {
	name string // of whom, if not of all
	most time.Duration
	checker.Question
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

// works says of the last phase that Redis worked in it, and the way to it, but for
// some members.
func (f *fleet) works(faulty ...int) {
	ph := &f.phases[len(f.phases)-1]
	ph.works, ph.faulty = true, faulty
}

// begin lets all processes read and write.
func (f *fleet) begin() { f.order(command{Read: &yes, Write: &yes}) }

// end brings the fleet to rest and judges what it did.
func (f *fleet) end() {
	f.Helper()
	f.rest()
	const most = 10 // of a kind that are told of
	told := make(map[checker.Kind]int)
	for _, v := range f.judge() {
		if told[v.Kind]++; told[v.Kind] <= most {
			f.Error(v)
		}
	}
	for kind, n := range told {
		if n > most {
			f.Errorf("%s: %d in all", kind, n)
		}
	}
}

// rest brings the fleet to rest and ends it.
func (f *fleet) rest() {
	f.Helper()
	f.halt()
	f.dismiss()
}

// quieten lets members cease all work, and waits until they have told of it.
func (f *fleet) quieten(members ...*process) {
	f.Helper()
	for _, p := range members {
		p.mu.Lock()
		p.quiet = false
		p.mu.Unlock()
		p.order(command{Quiet: true})
	}
	for _, p := range members {
		f.until(p.config.Name+" is quiet", p.told(&p.quiet))
	}
}

// halt ceases all work, and waits until it has ceased and everybody has read what
// is left.
func (f *fleet) halt() {
	f.Helper()
	f.quieten(f.members...)
	f.order(command{Rest: true})
	for _, p := range f.members {
		f.until(p.config.Name+" rests", p.told(&p.done))
	}
}

// dismiss ends all processes.
func (f *fleet) dismiss() {
	for _, p := range f.members {
		p.end()
	}
}

// judge judges what it did, and fails for what is not a violation but a fault all
// the same.
func (f *fleet) judge() []checker.Violation {
	f.Helper()
	for _, p := range f.members {
		if s := p.status.Status; s != nil {
			f.Logf("%s: %+v", p.config.Name, *s)
			if s.Unreadable > 0 {
				f.Errorf("%s: %d entries were not readable", p.config.Name, s.Unreadable)
			}
		}
	}
	h := f.history()
	all := slices.Concat(h.Values(), h.Log(), h.OwnWrites(), f.atRest(h))
	for _, ph := range f.phases {
		all = append(all, f.check(h, ph)...)
	}
	n, broken := h.Linearizable(checker.Bypassed, time.Minute)
	f.Logf("%d writes and reads of the database, searched for an order", n)
	return append(all, broken...)
}

// atRest reports every answer that differs from the database for good.
func (f *fleet) atRest(h *checker.History) (all []checker.Violation) {
	f.Helper()
	for _, p := range f.members {
		for _, r := range p.last {
			if want := int64(len(h.Logs[r.Table])); r.Version != want {
				all = append(all, checker.Violation{Kind: checker.AtRest, Text: fmt.Sprintf(
					"%s shows version %d of t%d from %s, the last one is %d", p.config.Name, r.Version, r.Table, r.How, want)})
			}
		}
		if n := len(p.last); n != f.tables*p.config.lastReads() && p.killed == 0 {
			f.Errorf("at rest: %s has told of %d reads", p.config.Name, n)
		}
	}
	return all
}

// check judges one phase and adds it to the results.
func (f *fleet) check(h *checker.History, ph phase) (all []checker.Violation) {
	f.Helper()
	failed, writes := 0, 0
	for _, p := range f.members {
		for _, r := range p.failed {
			if r.After >= ph.from && r.After <= ph.to {
				if !ph.mayFail {
					f.Errorf("%s: %s: %s", ph.name, p.config.Name, r.How)
				}
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
		switch {
		case ph.works:
			margin += f.missed(ph)
		case b.most == longPoll:
			margin += min(f.missed(ph), 3*(timeout+longPoll))
		default:
			margin += f.usuallyMissed()
		}
		q := b.Question
		if b.awake {
			for _, i := range q.Readers {
				q.Skip = append(q.Skip, f.members[i].halts...)
			}
		}
		q.From, q.To = ph.from, ph.to
		name := ph.name
		if b.name != "" {
			name += ": " + b.name
		}
		a, broken := h.Within(fmt.Sprintf("%s (margin %v for a busy machine)", name, margin), q, b.most+margin)
		all = append(all, broken...)
		if b.p99 > 0 && a.P99 > b.p99+margin {
			f.Errorf("%s: 99 %% of the answers were stale for less than %v, bound %v", name, a.P99, b.p99)
		}
		if !ph.short && a.Cached == 0 {
			f.Errorf("%s: %d of %d reads were from the cache: the test shows little", name, a.Cached, a.Reads)
		}
		results.add(result{name, b.most, margin, a, writes, failed})
	}
	return all
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

// missed is by how much a bound has to be widened where Redis itself works: a Sync
// fails only because the machine is too busy to do it in time, and the next one is
// a poll away. That may have befallen the one who writes and the one who reads.
func (f *fleet) missed(ph phase) time.Duration {
	var all []int64
	for i, p := range f.members {
		if slices.Contains(ph.faulty, i) {
			continue
		}
		before, during := int64(0), int64(0)
		for _, m := range p.missed {
			if m.at < ph.from {
				before = m.by
			}
			if m.at <= ph.to+int64(100*time.Millisecond) {
				during = m.by
			}
		}
		all = append(all, during-before)
	}
	slices.Sort(all)
	most := int64(0)
	for _, n := range all[max(len(all)-2, 0):] {
		most += n
	}
	return time.Duration(most) * (timeout + longPoll)
}

// usuallyMissed is what is missed where Redis works, at most: where it does not, it
// is not to be seen what only the machine has caused.
func (f *fleet) usuallyMissed() (most time.Duration) {
	for _, ph := range f.phases {
		if ph.works {
			most = max(most, f.missed(ph))
		}
	}
	return most
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
	checker.Answer
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
	fmt.Fprintln(tab, "fault\tbound\tmargin\tmax\tp99\tp50\tstale reads\treads\tcached\twrites\tfailed")
	for _, r := range l.list {
		fmt.Fprintf(tab, "%s\t%v\t%v\t%v\t%v\t%v\t%d\t%d\t%.0f %%\t%d\t%d\n", r.name,
			r.bound, ms(r.margin), ms(r.Max), ms(r.P99), ms(r.P50), r.Stale, r.Reads, 100*float64(r.Cached)/float64(max(r.Reads, 1)), r.writes, r.failed)
	}
	tab.Flush()
}

func ms(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
