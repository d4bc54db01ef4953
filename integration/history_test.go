package integration

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// never is when a write returns that never does.
const never = int64(math.MaxInt64)

// A history is what all processes of a fleet have seen and done.
type history struct {
	// logs are the tokens of each table's versions, first version first, as the
	// database has them.
	logs [][]int64
	// ends is when the write with a token had returned to its caller, or when
	// its writer was killed.
	ends map[int64]int64
	// writers says which process a token belongs to.
	writers map[int64]int
	reads   []read
	// seen is when a version of a table was first known to be committed.
	seen []map[int64]int64
}

type read struct {
	record
	process int
}

// A question is which reads to judge, and by which writes.
type question struct {
	from, to int64 // the reads that began between
	// readers and writers are processes; nil for all.
	readers, writers []int
	// own: by what the reader itself has written, which must always show.
	own bool
	// seen: a write counts from when anybody has seen it, if that is earlier
	// than its return; for a writer that was stopped.
	seen bool
	// skip are times in which reads are not judged.
	skip [][2]int64
}

// asks reports whether a read is one of those to judge.
func (q question) asks(r read) bool {
	if r.Before < q.from || r.Before > q.to || q.readers != nil && !slices.Contains(q.readers, r.process) {
		return false
	}
	return !slices.ContainsFunc(q.skip, func(w [2]int64) bool { return r.Before >= w[0] && r.Before <= w[1] })
}

// An answer is how old the rows were.
type answer struct {
	reads, stale int
	cached       int // reads that were not from the database
	max, p99     time.Duration
	worst        read
	impossible   []string
}

// judge computes, for each read, for how long a write that it does not show had
// returned when it began.
func (h *history) judge(q question) (a answer) {
	var all []time.Duration
	type by struct{ table, reader int }
	missed := make(map[by][]int64)
	for _, r := range h.reads {
		if !q.asks(r) {
			continue
		}
		a.reads++
		if r.How != "database" {
			a.cached++
		}
		if wrong := h.impossible(r); wrong != "" {
			a.impossible = append(a.impossible, wrong)
			continue
		}
		key := by{r.Table, -1}
		if q.own {
			key.reader = r.process
		}
		if missed[key] == nil {
			missed[key] = h.missed(q, r.Table, key.reader)
		}
		age := max(r.Before-missed[key][r.Version], 0)
		all = append(all, time.Duration(age))
		if age > 0 {
			a.stale++
		}
		if d := time.Duration(age); d > a.max {
			a.max, a.worst = d, r
		}
	}
	slices.Sort(all)
	if len(all) > 0 {
		a.p99 = all[len(all)*99/100]
	}
	return a
}

// impossible says why a read shows what was never committed.
func (h *history) impossible(r read) string {
	log := h.logs[r.Table]
	switch {
	case r.Version == 0 && r.Token == 0:
		return ""
	case r.Version < 1 || r.Version > int64(len(log)):
		return fmt.Sprintf("t%d has no version %d, which a read from %s shows: it has %d", r.Table, r.Version, r.How, len(log))
	case log[r.Version-1] != r.Token:
		return fmt.Sprintf("t%d version %d is of %d, and a read from %s shows %d, which was rolled back", r.Table, r.Version, log[r.Version-1], r.How, r.Token)
	}
	return ""
}

// missed returns, for each version of a table, when the first of those that are
// later had returned.
func (h *history) missed(q question, table, owner int) []int64 {
	log := h.logs[table]
	first := make([]int64, len(log)+1)
	first[len(log)] = never
	for v := len(log); v > 0; v-- {
		token := log[v-1]
		end, ok := h.ends[token]
		if !ok {
			end = never
		}
		if at, ok := h.seen[table][int64(v)]; q.seen && ok {
			end = min(end, at)
		}
		writer := h.writers[token]
		if q.writers != nil && !slices.Contains(q.writers, writer) || owner >= 0 && writer != owner {
			end = never
		}
		first[v-1] = min(first[v], end)
	}
	return first
}

// saw notes that a version, and with it all before it, was committed at a time.
func (h *history) saw(table int, version, at int64) {
	for v := version; v > 0; v-- {
		if old, ok := h.seen[table][v]; ok && old <= at {
			return
		}
		h.seen[table][v] = at
	}
}

// TestHistoryFindsFaults: what judges the others is judged.
func TestHistoryFindsFaults(t *testing.T) {
	h := history{
		logs:    [][]int64{{11, 21, 12}},
		ends:    map[int64]int64{11: 100, 21: 200, 12: 300, 13: 400},
		writers: map[int64]int{11: 1, 21: 2, 12: 1, 13: 1},
		seen:    []map[int64]int64{{2: 150}},
	}
	see := func(process int, version, token, before int64) {
		h.reads = append(h.reads, read{record{Table: 0, Version: version, Token: token, Before: before}, process})
	}
	check := func(name string, q question, most time.Duration, impossible int) {
		t.Helper()
		q.to = 1000
		if a := h.judge(q); a.max != most || len(a.impossible) != impossible {
			t.Errorf("%s: %v, want %v; impossible: %q", name, a.max, most, a.impossible)
		}
	}
	see(2, 2, 21, 250)
	check("fresh", question{}, 0, 0)
	see(2, 1, 11, 199)
	check("before the write returned", question{}, 0, 0)
	check("which somebody had seen", question{seen: true}, 49, 0)
	see(2, 1, 11, 240)
	check("after", question{}, 40, 0)
	check("own", question{own: true}, 40, 0)
	check("others'", question{readers: []int{1}}, 0, 0)
	check("by other writers", question{writers: []int{1}}, 0, 0)
	see(1, 2, 21, 360)
	check("later writers", question{writers: []int{1}}, 60, 0)
	check("window", question{from: 300}, 60, 0)
	check("not judged", question{skip: [][2]int64{{360, 360}}}, 40, 0)
	see(1, 3, 13, 500)
	check("rolled back", question{}, 60, 1)
	see(1, 4, 13, 500)
	check("never there", question{}, 60, 2)
	see(1, 0, 0, 700)
	check("the first row", question{}, 600, 2)
}
