package checker

import (
	"fmt"
	"slices"
	"time"
)

// A Question is which reads to judge, and by which writes.
type Question struct {
	From, To int64 // the reads that began between; To 0 means Never
	// Readers and Writers are processes; nil for all.
	Readers, Writers []int
	// Own: by what the reader itself has written, which must always show.
	Own bool
	// Seen: a write counts from when anybody has seen it, if that is earlier
	// than its end; for a writer that was stopped.
	Seen bool
	// Skip are times in which reads are not judged.
	Skip [][2]int64
}

// asks reports whether a read is one of those to judge.
func (q Question) asks(r Read) bool {
	to := q.To
	if to == 0 {
		to = Never
	}
	if r.InTx || r.Begin < q.From || r.Begin > to || q.Readers != nil && !slices.Contains(q.Readers, r.Process) {
		return false
	}
	return !slices.ContainsFunc(q.Skip, func(w [2]int64) bool { return r.Begin >= w[0] && r.Begin <= w[1] })
}

// An Answer is how old the answers to a Question's reads were: for how long a
// write that they do not show had ended when they began.
type Answer struct {
	Reads, Stale int
	Cached       int // reads that were not from the database
	// Of all reads, those that were not stale included.
	P50, P99, Max time.Duration
	Worst         Read
}

// Judge answers a question. Reads of what was never committed have no age: see
// [History.Values].
func (h *History) Judge(q Question) (a Answer) {
	var all []time.Duration
	type by struct{ table, reader int }
	missed := make(map[by][]int64)
	for _, r := range h.Reads {
		if !q.asks(r) {
			continue
		}
		a.Reads++
		if r.Source != Database {
			a.Cached++
		}
		if kind, _ := h.impossible(r); kind != "" {
			continue
		}
		key := by{r.Table, -1}
		if q.Own {
			key.reader = r.Process
		}
		if missed[key] == nil {
			missed[key] = h.missed(q, r.Table, key.reader)
		}
		age := time.Duration(max(r.Begin-missed[key][r.Version], 0))
		all = append(all, age)
		if age > 0 {
			a.Stale++
		}
		if age > a.Max {
			a.Max, a.Worst = age, r
		}
	}
	slices.Sort(all)
	if n := len(all); n > 0 {
		a.P50, a.P99 = all[n/2], all[n*99/100]
	}
	return a
}

// missed returns, for each version of a table, when the first of those that are
// later had ended.
func (h *History) missed(q Question, table, owner int) []int64 {
	log := h.Logs[table]
	first := make([]int64, len(log)+1)
	first[len(log)] = Never
	for v := len(log); v > 0; v-- {
		end, writer := Never, -1
		if w := h.write(table, log[v-1]); w != nil {
			end, writer = w.End, w.Process
		}
		if at, ok := h.sawAt(table, int64(v)); q.Seen && ok {
			end = min(end, at)
		}
		if q.Writers != nil && !slices.Contains(q.Writers, writer) || owner >= 0 && writer != owner {
			end = Never
		}
		first[v-1] = min(first[v], end)
	}
	return first
}

// Within answers a question and reports, as at most one violation, that answers
// were older than most.
func (h *History) Within(name string, q Question, most time.Duration) (Answer, []Violation) {
	a := h.Judge(q)
	if a.Max <= most {
		return a, nil
	}
	return a, []Violation{violation(Stale, "%s: for %v, bound %v: %s", name, a.Max, most, a.Worst)}
}

// OwnWrites reports reads that do not show what their process had written.
func (h *History) OwnWrites() []Violation {
	a := h.Judge(Question{Own: true})
	if a.Max == 0 {
		return nil
	}
	return []Violation{violation(OwnWrite, "%d reads, one of them %v after the write: %s", a.Stale, a.Max, a.Worst)}
}

// String names what was read, by whom, and from where.
func (r Read) String() string {
	return fmt.Sprintf("process %d reads version %d of t%d from %s", r.Process, r.Version, r.Table, r.Source)
}
