package checker

import (
	"slices"
	"testing"
	"time"
)

// sample is a table that process 1 wrote twice and process 2 in between; a write
// of process 1 was rolled back.
func sample() *History {
	h := &History{
		Logs: [][]int64{{11, 21, 12}},
		Writes: []Write{
			{Process: 1, Token: 11, Begin: 90, End: 100, Outcome: Committed},
			{Process: 2, Token: 21, Begin: 140, End: 200, Outcome: Committed},
			{Process: 1, Token: 12, Begin: 290, End: 300, Outcome: Committed},
			{Process: 1, Token: 13, Begin: 390, End: 400, Outcome: RolledBack},
		},
	}
	h.Saw(0, 2, 150)
	return h
}

func (h *History) see(process int, version, token, begin int64) {
	h.Reads = append(h.Reads, Read{Process: process, Version: version, Token: token, Begin: begin, End: begin + 1, Source: "local"})
}

func TestJudge(t *testing.T) {
	h := sample()
	check := func(name string, q Question, most time.Duration, impossible int) {
		t.Helper()
		q.To = 1000
		if a := h.Judge(q); a.Max != most {
			t.Errorf("%s: %v, want %v", name, a.Max, most)
		}
		if all := h.Values(); len(all) != impossible {
			t.Errorf("%s: impossible: %q", name, all)
		}
	}
	h.see(2, 2, 21, 250)
	check("fresh", Question{}, 0, 0)
	h.see(2, 1, 11, 199)
	check("before the write returned", Question{}, 0, 0)
	check("which somebody had seen", Question{Seen: true}, 49, 0)
	h.see(2, 1, 11, 240)
	check("after", Question{}, 40, 0)
	check("own", Question{Own: true}, 40, 0)
	check("others'", Question{Readers: []int{1}}, 0, 0)
	check("by other writers", Question{Writers: []int{1}}, 0, 0)
	h.see(1, 2, 21, 360)
	check("later writers", Question{Writers: []int{1}}, 60, 0)
	check("window", Question{From: 300}, 60, 0)
	check("not judged", Question{Skip: [][2]int64{{360, 360}}}, 40, 0)
	if _, v := h.Within("bound", Question{}, 60); v != nil {
		t.Errorf("at its bound: %v", v)
	}
	if _, v := h.Within("bound", Question{}, 59); len(v) != 1 || v[0].Kind != Stale {
		t.Errorf("beyond its bound: %v", v)
	}
	if v := h.OwnWrites(); len(v) != 1 || v[0].Kind != OwnWrite {
		t.Errorf("own writes: %v", v)
	}
	h.see(1, 3, 13, 500)
	check("rolled back", Question{}, 60, 1)
	h.see(1, 4, 14, 500)
	check("never there", Question{}, 60, 2)
	h.see(1, 0, 0, 700)
	check("the first row", Question{}, 600, 2)
}

func TestPercentiles(t *testing.T) {
	h := sample()
	for i := range int64(100) {
		h.see(3, 2, 21, 300+i)
	}
	if a := h.Judge(Question{}); a.Reads != 100 || a.Cached != 100 || a.Stale != 99 || a.P50 != 50 || a.P99 != 99 || a.Max != 99 {
		t.Errorf("%+v", a)
	}
}

func TestValues(t *testing.T) {
	for _, test := range []struct {
		name string
		read Read
		want Kind
	}{
		{"what was there", Read{Version: 2, Token: 21, Source: "local", Rows: 3}, ""},
		{"before the first write", Read{Source: "local"}, ""},
		{"rolled back", Read{Version: 4, Token: 13, Source: "local"}, Undone},
		{"never written", Read{Version: 4, Token: 99, Source: "local"}, Unwritten},
		{"two versions in one row", Read{Version: 3, Token: 21, Source: "local"}, Mixed},
		{"two versions in two rows", Read{Version: 2, Token: 21, Source: "local", Torn: true}, Mixed},
		{"rows are missing", Read{Version: 2, Token: 21, Source: "local", Rows: 2}, Partial},
		{"a transaction sees its own", Read{Version: 4, Token: 13, Source: Database, InTx: true}, ""},
		{"a transaction is answered by a cache", Read{Version: 2, Token: 21, Source: "local", InTx: true}, InTransaction},
	} {
		h := sample()
		h.Rows, h.Reads = 3, []Read{test.read}
		all := h.Values()
		if test.want == "" && len(all) > 0 || test.want != "" && (len(all) != 1 || all[0].Kind != test.want) {
			t.Errorf("%s: %v, want %q", test.name, all, test.want)
		}
	}
}

func TestLog(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(h *History)
		want   int
	}{
		{"as it was", func(*History) {}, 0},
		{"committed and not there", func(h *History) { h.Logs[0] = h.Logs[0][:2] }, 1},
		{"rolled back and there", func(h *History) { h.Logs[0] = append(h.Logs[0], 13) }, 1},
		{"twice", func(h *History) { h.Logs[0] = append(h.Logs[0], 12) }, 1},
		{"order", func(h *History) { slices.Reverse(h.Logs[0]) }, 2},
		{"unknown and not there", func(h *History) { h.Logs[0], h.Writes[2].Outcome = h.Logs[0][:2], Unknown }, 0},
		{"by nobody", func(h *History) { h.Logs[0] = append(h.Logs[0], 99) }, 0},
	} {
		h := sample()
		test.change(h)
		if all := h.Log(); len(all) != test.want {
			t.Errorf("%s: %v, want %d", test.name, all, test.want)
		}
	}
}

func TestLinearizable(t *testing.T) {
	read := func(version, token, begin, end int64) Read {
		return Read{Process: 3, Version: version, Token: token, Begin: begin, End: end, Source: "local"}
	}
	for _, test := range []struct {
		name   string
		change func(h *History)
		ok     bool
	}{
		{"writes only", func(*History) {}, true},
		{"fresh", func(h *History) { h.Reads = []Read{read(1, 11, 110, 120), read(3, 12, 310, 320)} }, true},
		{"stale", func(h *History) { h.Reads = []Read{read(1, 11, 201, 210)} }, false},
		{"during a write, either", func(h *History) { h.Reads = []Read{read(1, 11, 150, 160), read(2, 21, 161, 199)} }, true},
		{"and back again", func(h *History) { h.Reads = []Read{read(2, 21, 150, 160), read(1, 11, 161, 199)} }, false},
		{"rolled back", func(h *History) { h.Reads = []Read{read(4, 13, 500, 510)} }, false},
		{"unknown, seen late", func(h *History) {
			h.Writes[2].Outcome = Unknown
			h.Reads = []Read{read(2, 21, 800, 810), read(3, 12, 900, 910)}
		}, true},
		{"unknown, never seen", func(h *History) {
			h.Writes[2].Outcome, h.Logs[0] = Unknown, h.Logs[0][:2]
			h.Reads = []Read{read(2, 21, 800, 810)}
		}, true},
		{"unknown, seen and gone", func(h *History) {
			h.Writes[2].Outcome = Unknown
			h.Reads = []Read{read(3, 12, 800, 810), read(2, 21, 900, 910)}
		}, false},
		{"unknown, seen before it began", func(h *History) {
			h.Writes[2].Outcome = Unknown
			h.Reads = []Read{read(3, 12, 280, 289)}
		}, false},
		{"many unknown, never seen", func(h *History) {
			for i := range int64(20) {
				h.Writes = append(h.Writes, Write{Process: 4, Token: 100 + i, Begin: 50, End: Never})
			}
			h.Reads = []Read{read(1, 11, 110, 120), read(2, 21, 210, 220), read(1, 11, 230, 240)}
		}, false},
		{"by one who told nothing", func(h *History) {
			h.Logs[0] = append(h.Logs[0], 99)
			h.Reads = []Read{read(4, 99, 800, 810)}
		}, true},
	} {
		h := sample()
		test.change(h)
		n, all := h.Linearizable(All, 10*time.Second)
		if ok := len(all) == 0; ok != test.ok || n < 3 {
			t.Errorf("%s: %v of %d operations", test.name, all, n)
		}
		if len(all) > 0 && all[0].Kind != NotLinearizable {
			t.Errorf("%s: %v", test.name, all)
		}
		if n, all := h.Linearizable(Bypassed, 0); n > 4 || len(all) > 0 {
			t.Errorf("%s: without the cached reads: %v of %d operations", test.name, all, n)
		}
	}
}

func TestCount(t *testing.T) {
	n := Count([]Violation{{Stale, "a"}, {Mixed, "b"}, {Stale, "c"}})
	if len(n) != 2 || n[Stale] != 2 || n[Mixed] != 1 {
		t.Errorf("%v", n)
	}
}
