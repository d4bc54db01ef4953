package resultset

import (
	"bytes"
	"database/sql/driver"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestClasses asks the running allocator: append gives a new array the whole
// slot, so its capacity is the size class.
func TestClasses(t *testing.T) {
	sizes := []int{1, 7}
	for _, c := range sizeClasses {
		sizes = append(sizes, c, c+1)
	}
	for _, n := range append(sizes, 40000, 1<<20, 1<<20+1) {
		if got, want := classBytes(n), cap(append([]byte(nil), make([]byte, n)...)); got != want {
			t.Errorf("an object of %d bytes: %d, the allocator says %d", n, got, want)
		}
		// With pointers in it: all of the slot but at most a header and
		// what is too little for one more.
		n /= valueBytes
		room := valueBytes * cap(append([]driver.Value(nil), make([]driver.Value, n)...))
		if got := arrayBytes(n); got < room || got-wordBytes-valueBytes >= room && n > 0 {
			t.Errorf("%d values: %d bytes, the allocator gives room for %d", n, got, room)
		}
	}
}

// fresh is a driver.Rows whose every value is new memory, as from a network.
type fresh struct {
	names []string
	rows  int
	value func(row, column int) driver.Value
	next  int
}

func (f *fresh) Columns() []string { return f.names }
func (f *fresh) Close() error      { return nil }
func (f *fresh) Next(dest []driver.Value) error {
	if f.next == f.rows {
		return io.EOF
	}
	for i := range dest {
		dest[i] = f.value(f.next, i)
	}
	f.next++
	return nil
}

// TestBytes compares Bytes with what the heap grows by, over many copies. The
// race detector gives each value below 16 bytes a block of its own (it would
// not see an overrun inside one): there, the values get that much leeway.
func TestBytes(t *testing.T) {
	leeway := 0.0
	if !sharesBlocks() {
		leeway = tinyBytes
	}
	text := func(n int) string { return strings.Repeat("x", n) }
	// As of a driver that throws away as many bytes as it keeps.
	wasteful := func(n int) string { return string(bytes.Repeat([]byte("x"), n)) }
	tests := []struct {
		name          string
		rows, columns int
		value         func(row, column int) driver.Value
	}{
		{"1x1 int", 1, 1, func(i, j int) driver.Value { return int64(1e6 + i) }},
		{"1x3 mixed", 1, 3, func(i, j int) driver.Value {
			return []driver.Value{int64(1e6), text(24), time.Unix(int64(i), 0)}[j]
		}},
		{"100x3 mixed", 100, 3, func(i, j int) driver.Value {
			return []driver.Value{int64(1e6 + i), wasteful(20 + i%20), time.Unix(int64(i), 0)}[j]
		}},
		{"1000x10 strings", 1000, 10, func(i, j int) driver.Value { return text(i%30 + j) }},
		{"100x2 long strings", 100, 2, func(i, j int) driver.Value { return text(500 + 17*i) }},
		{"100x5 short strings", 100, 5, func(i, j int) driver.Value { return text(2 + j) }},
		{"100x5 letters", 100, 5, func(i, j int) driver.Value { return wasteful(1) }},
		{"3x1 wide bytea", 3, 1, func(i, j int) driver.Value { return make([]byte, 100_000+i) }},
		{"200x4 small bytea", 200, 4, func(i, j int) driver.Value { return make([]byte, 16*j) }},
		{"500x4 NULL", 500, 4, func(i, j int) driver.Value { return nil }},
		{"500x4 small ints", 500, 4, func(i, j int) driver.Value { return int64((i + j) % 256) }},
		{"500x2 floats", 500, 2, func(i, j int) driver.Value { return float64(i) + 0.5 }},
		{"500x2 int32", 500, 2, func(i, j int) driver.Value { return int32(-1 - i) }},
		{"100x5 bools", 100, 5, func(i, j int) driver.Value { return i%2 == 0 }},
		{"no rows", 0, 10, nil},
		{"20x100 ints", 20, 100, func(i, j int) driver.Value { return int64(1000 + i) }},
	}
	for _, tt := range tests {
		record := func() *Set {
			names := strings.Fields(strings.Repeat("identifier ", tt.columns))
			for i := range names {
				names[i] = strings.Clone(names[i])
			}
			return Record(&fresh{names: names, rows: tt.rows, value: tt.value}, Limits{}, nil).Set()
		}
		bytes := record().Bytes()
		sets := make([]*Set, max(4, min(4000, 4<<20/bytes)))
		before := heap()
		for i := range sets {
			sets[i] = record()
		}
		real := float64(heap()-before) / float64(len(sets))
		if got := float64(bytes); got > 1.15*real || got+leeway*float64(tt.rows*tt.columns) < 0.85*real {
			t.Errorf("%s: Bytes %d, the heap holds %.0f", tt.name, bytes, real)
		}
		runtime.KeepAlive(sets)
	}
}

// sharesBlocks reports whether two boxed numbers take one block of 16 bytes.
func sharesBlocks() bool {
	boxes := make([]any, 1<<16)
	before := heap()
	for i := range boxes {
		boxes[i] = staticInts + i
	}
	grown := heap() - before
	runtime.KeepAlive(boxes)
	return grown < len(boxes)*(tinyBytes+wordBytes)/2
}

// heap returns the live bytes of the heap. The second collection frees what
// the first one's finalizers and pools let go.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestBytesGrowsWithTheSet(t *testing.T) {
	set := newSet([]Column{{Name: "a"}, {Name: "b"}})
	sizes := []int{set.Bytes()}
	for range 50 {
		set.add(row{int64(1), nil})
		sizes = append(sizes, set.Bytes())
	}
	if !slices.IsSorted(sizes) || sizes[50] < sizes[0]+50*2*valueBytes {
		t.Errorf("sizes %v", sizes)
	}
}
