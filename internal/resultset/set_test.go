package resultset

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSetShape(t *testing.T) {
	set := recordAll(t, scripts["nulls"])
	if set.Len() != 3 || len(set.Columns()) != 2 || set.Columns()[1].Name != "b" {
		t.Errorf("%d rows, columns %+v", set.Len(), set.Columns())
	}
}

// What the driver does to its buffers after Next must not reach the Set, what a
// user does to his row neither the Set, nor a neighbour, nor another replay.
func TestByteSlices(t *testing.T) {
	set := recordAll(t, scripts["bytes"])
	want := play(set.Rows(), 1000)

	vandal := set.Rows()
	dest := make(row, 3)
	for n := 0; vandal.Next(dest) == nil; n++ {
		for i, v := range dest {
			b, ok := v.([]byte)
			if !ok || b == nil {
				continue
			}
			_ = append(b, "overrun"...)
			if expect := scripts["bytes"].results[0].rows[n][i]; show(v) != show(expect) {
				t.Errorf("row %d column %d: %s, want %s", n, i, show(v), show(expect))
			}
			for j := range b {
				b[j] = '#'
			}
		}
	}
	if got := play(set.Rows(), 1000); !slices.Equal(got, want) {
		t.Errorf("a user changed the set:\n got %q\nwant %q", got, want)
	}
}

func TestColumnNamesBelongToTheirUser(t *testing.T) {
	for _, width := range []int{1, 4, 5, 8, 9, 16, 17, 64, 65} {
		set := recordAll(t, one(strings.Repeat("name ", width), numbers(1, width)...))
		first, second := set.Rows(), set.Rows()
		names := first.Columns()
		_ = append(names, "more")
		for i := range names {
			names[i] = "changed"
		}
		want := slices.Repeat([]string{"name"}, width)
		for _, rows := range []driver.Rows{second, set.Rows()} {
			if got := rows.Columns(); !slices.Equal(got, want) {
				t.Errorf("width %d: another replay has the columns %q", width, got)
			}
		}
		if err := first.Next(make(row, width)); err != nil {
			t.Errorf("width %d: Next after the change: %v", width, err)
		}
	}
}

func TestConcurrentReplays(t *testing.T) {
	for _, name := range []string{"bytes", "all types", "error middle"} {
		live, _ := scripts[name].live()
		r := Record(live, Limits{}, nil)
		want := play(r.Rows(nil), 1000)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					rows := r.Rows(nil)
					if got := play(rows, 1000); !slices.Equal(got, want) {
						t.Errorf("%s: got %q, want %q", name, got, want)
						return
					}
					clear(rows.Columns())
				}
			})
		}
		wg.Wait()
	}
}

// Two replays in step do not share their buffers.
func TestInterleavedReplays(t *testing.T) {
	set := recordAll(t, one("a", row{[]byte("first")}, row{[]byte("other")}))
	a, b := set.Rows(), set.Rows()
	rowA, rowB := make(row, 1), make(row, 1)
	a.Next(rowA)
	b.Next(rowB)
	b.Next(rowB)
	if got, want := show(rowA[0])+show(rowB[0]), show([]byte("first"))+show([]byte("other")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAllocations(t *testing.T) {
	tests := []struct {
		name   string
		script script
		want   float64
	}{
		{"one", scripts["one"], 1},
		{"empty", scripts["empty"], 1},
		{"no columns", scripts["no columns"], 1},
		{"64 columns", one(strings.Repeat("c ", 64), numbers(2, 64)...), 1},
		{"65 columns", one(strings.Repeat("c ", 65), numbers(2, 65)...), 2},
		{"strings, times", one("a b", row{"text", time.Unix(1e9, 0)}, row{nil, 1.5}), 1},
		{"only empty bytes", one("a", row{[]byte{}}, row{[]byte(nil)}), 1},
		// The buffer, large enough for any row, and the boxes of two slices.
		{"bytes", one("a b", row{"x", bytes.Repeat([]byte("b"), 100)}, row{nil, []byte("a")}), 1 + 1 + 2},
	}
	for _, tt := range tests {
		set := recordAll(t, tt.script)
		dest := make(row, len(set.Columns()))
		got := testing.AllocsPerRun(100, func() {
			rows := set.Rows()
			rows.Columns()
			for rows.Next(dest) == nil {
			}
			rows.Close()
		})
		if got != tt.want {
			t.Errorf("%s: %v allocations, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEqual(t *testing.T) {
	for name, s := range scripts {
		live, _ := s.live()
		again, _ := s.live()
		a, b := Record(live, Limits{}, nil).Set(), Record(again, Limits{}, nil).Set()
		if a != nil && !(a.Equal(a) && a.Equal(b) && b.Equal(a)) {
			t.Errorf("%s: not equal to itself", name)
		}
	}

	here := time.FixedZone("HERE", 3600)
	at := time.Unix(1e9, 5)
	same := [][2]driver.Value{
		{math.NaN(), math.Float64frombits(0x7ff8_0000_0000_1234)},
		{float32(math.NaN()), float32(math.NaN())},
		{at.In(here), at.In(time.FixedZone("HERE", 3600))},
		{[]byte("x"), []byte("x")},
	}
	different := [][2]driver.Value{
		{nil, ""}, {nil, []byte(nil)}, {[]byte{}, []byte(nil)}, {"x", []byte("x")},
		{int64(1), 1}, {int64(1), uint64(1)}, {int64(1), true}, {int64(1), int64(2)},
		{0.0, math.Copysign(0, -1)}, {float32(1), 1.0}, {math.NaN(), 1.0}, {math.NaN(), nil},
		{[]byte("x"), []byte("y")}, {"x", "y"},
		{at.UTC(), at.In(here)}, {at.UTC(), at.Add(1).UTC()},
		{at.In(here), at.In(time.FixedZone("HERE", 3601))},
		{at.In(here), at.In(time.FixedZone("THERE", 3600))},
		{at, "x"},
	}
	value := func(v driver.Value) *Set {
		set := newSet([]Column{{Name: "v"}})
		set.add(row{v})
		return set
	}
	for _, p := range same {
		if a, b := value(p[0]), value(p[1]); !a.Equal(b) || !b.Equal(a) {
			t.Errorf("%s and %s differ", show(p[0]), show(p[1]))
		}
	}
	for _, p := range different {
		if a, b := value(p[0]), value(p[1]); a.Equal(b) || b.Equal(a) {
			t.Errorf("%s and %s are equal", show(p[0]), show(p[1]))
		}
	}

	base := recordAll(t, scripts["ten"])
	for name, s := range map[string]script{
		"names":   one("a b d", numbers(10, 3)...),
		"rows":    one("a b c", numbers(9, 3)...),
		"shape":   one("a b c d e f", numbers(5, 6)...),
		"types":   {results: scripts["ten"].results, plain: true},
		"nothing": one("a b c"),
	} {
		if o := recordAll(t, s); base.Equal(o) || o.Equal(base) {
			t.Errorf("equal despite other %s", name)
		}
	}
	if recordAll(t, one("", row{})).Equal(recordAll(t, one(""))) {
		t.Error("a row of no columns equals no row")
	}
}

func TestSetHoldsNoSpareCapacity(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 100, 129, 1000} {
		set := recordAll(t, one("a b c", numbers(n, 3)...))
		if got, want := arrayBytes(cap(set.values)), arrayBytes(3*n); got != want {
			t.Errorf("%d rows: array of %d bytes, want %d", n, got, want)
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			set := recordAll(b, one("a b c", numbers(n, 3)...))
			dest := make(row, 3)
			b.ReportAllocs()
			for b.Loop() {
				rows := set.Rows()
				rows.Columns()
				for rows.Next(dest) != io.EOF {
				}
				rows.Close()
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			s := one("a b c", numbers(n, 3)...)
			b.ReportAllocs()
			for b.Loop() {
				live, _ := s.live()
				Record(live, Limits{Rows: 10000, Bytes: 1 << 20}, nil)
			}
		})
	}
}
