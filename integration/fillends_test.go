package integration

import (
	"strings"
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/internal/testserver"
)

// An end is a way in which an answer ends before its last row.
type end struct {
	name  string
	by    reader
	spark string // what the fuse does; divides if ""
	at    int    // the row at which it does; 0: none
	hint  string
	// strike is done while the query waits in the middle of its rows, in the
	// server's process pid; ends: it does not need to go on to meet its end.
	strike func(f *filler, cancel func(), pid int)
	ends   bool
	// want is what the bare driver's reader is told.
	want string
	// everybody: whoever asks the database is told so; process: whoever does in
	// the same process.
	everybody, process bool
	// own: it says nothing of the query, which one of those who wait asks anew, for all.
	own bool
}

var ends = []end{
	{name: "nothing"},
	{name: "a division by zero", at: 400, want: "22012", everybody: true},
	{name: "a function raises", spark: trips, at: 400, want: "P0001", everybody: true},
	{name: "in a prepared statement", by: prepared, at: 400, want: "22012", everybody: true},
	{name: "in the last row", at: 600, want: "22012", everybody: true},
	{name: "the context ends", want: "canceled", ends: true, own: true, strike: func(_ *filler, cancel func(), _ int) { cancel() }},
	{name: "the query is cancelled", want: "57014", ends: true, strike: signal("cancel")},
	{name: "the statement times out", by: timesOut, want: "57014", ends: true},
	{name: "the backend is terminated", want: "57P01", ends: true, own: true, strike: signal("terminate")},
	{name: "the connection is torn", want: "network", process: true, strike: func(f *filler, _ func(), _ int) { f.put(torn()) }},
	{name: "closed early", by: leaves},
	{name: "QueryRow", by: readsOne},
	{name: "closed early, before a division by zero", by: leaves, at: 400, want: "22012", everybody: true},
	{name: "QueryRow, before a division by zero", by: readsOne, at: 400, want: "22012", everybody: true},
	{name: "the context ends between rows", by: givesUp, want: "canceled"},
	{name: "too large", hint: "max_rows=100"},
	{name: "too large, a division by zero", hint: "max_rows=100", at: 400, want: "22012", everybody: true},
	{name: "too large, closed early", hint: "max_rows=100", by: leaves},
	{name: "too large, closed early before a division by zero", hint: "max_rows=100", by: leaves, at: 400, want: "22012", everybody: true},
	{name: "too large, QueryRow", hint: "max_rows=100", by: readsOne},
	{name: "too large, the context ends", hint: "max_rows=100", want: "canceled", ends: true, strike: func(_ *filler, cancel func(), _ int) { cancel() }},
	{name: "too large, the backend is terminated", hint: "max_rows=100", want: "57P01", ends: true, strike: signal("terminate")},
}

// signal is done to a process of the server.
func signal(what string) func(*filler, func(), int) {
	return func(f *filler, _ func(), pid int) {
		f.Helper()
		f.holds("SELECT pg_"+what+"_backend($1)", pid)
	}
}

func torn() toxic { return toxics[len(toxics)-1] }

// eachFills runs a test without Redis and with it.
func eachFills(t *testing.T, test func(f *filler)) {
	t.Parallel()
	for _, redis := range []bool{false, true} {
		t.Run(map[bool]string{false: "alone", true: "with Redis"}[redis], func(t *testing.T) {
			t.Parallel()
			test(newFills(t, redis))
		})
	}
}

// TestFillEndsInTheMiddle: whatever ends an answer before its last row, nobody is
// given a part of it as if it were all, and no part is kept.
func TestFillEndsInTheMiddle(t *testing.T) {
	eachFills(t, func(f *filler) {
		for _, e := range ends {
			for _, v := range f.round(e) {
				f.Errorf("%s: %v", e.name, v)
			}
		}
		f.showed()
	})
}

// TestRefreshEndsInTheMiddle is the same for an answer that is read anew in the
// background.
func TestRefreshEndsInTheMiddle(t *testing.T) {
	eachFills(t, func(f *filler) {
		for _, e := range ends {
			if !e.refreshes() {
				continue
			}
			for _, v := range f.refreshed(e) {
				f.Errorf("%s: %v", e.name, v)
			}
		}
		if st := f.a.cache.Stats(); st.Refreshes.Failed == 0 || st.Stale == 0 {
			f.Errorf("%+v, %d shown as stale: the test shows little", st.Refreshes, st.Stale)
		}
	})
}

// TestPartsAreFound: were parts kept, each end that leaves one would be found out,
// by those who wait for it and by those who read later.
func TestPartsAreFound(t *testing.T) {
	defer mistake.Make(mistake.Partial)()
	for _, redis := range []bool{false, true} {
		f := newFills(t, redis)
		sources := make(map[string]int)
		for _, e := range ends {
			switch {
			case e.parts() && !f.finds(e, f.round, sources):
				t.Errorf("%s: not found, with Redis: %t", e.name, redis)
			case e.parts() && e.refreshes() && !f.finds(e, f.refreshed, sources):
				t.Errorf("%s: not found in the background, with Redis: %t", e.name, redis)
			}
		}
		t.Logf("parts that were given, by source: %v", sources)
		if sources["local"] == 0 || sources["coalesced"] == 0 || redis && sources["remote"] == 0 {
			t.Errorf("parts that were given, by source: %v, want some of each", sources)
		}
	}
}

// finds reports whether rounds find parts, which on a busy machine may be lost.
func (f *filler) finds(e end, round func(end) []checker.Violation, sources map[string]int) (found bool) {
	f.Helper()
	for try := 0; try < 5 && !found; try++ {
		for _, v := range round(e) {
			if v.Kind == checker.Partial {
				found = true
				_, from, _ := strings.Cut(v.Text, "rows from ")
				from, _, _ = strings.Cut(from, ":")
				sources[from]++
			}
		}
	}
	return found
}

// parts reports whether a part is read before a part is given: else the answer is
// read to its end first.
func (e end) parts() bool { return e.want != "" && e.by != givesUp || e.hint != "" }

// refreshes reports whether it may end an answer that is read in the background:
// what is the reader's matter may not.
func (e end) refreshes() bool { return e.by == readsAll && e.want != "canceled" && e.hint == "" }

func newFills(t *testing.T, redis bool) *filler {
	t.Helper()
	if !redis {
		return newFiller(t, nil)
	}
	return newFiller(t, redisClient(t, testserver.Redis(t)))
}

// showed fails unless there were readers of each kind.
func (f *filler) showed() {
	f.Helper()
	st := f.a.cache.Stats()
	f.Logf("%d coalesced, bypasses: %v, %d hits", st.Coalesced, st.Bypasses, st.Hits)
	if st.Coalesced == 0 || st.Bypasses[querycache.ReasonTooLarge] == 0 || st.Hits == 0 {
		f.Errorf("%d coalesced, bypasses: %v, %d hits: the test shows little", st.Coalesced, st.Bypasses, st.Hits)
	}
}
