package resultset

import (
	"database/sql/driver"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestDecodedHeap compares Bytes of decoded Sets with what the heap grows by.
// They say what the recorded ones said. The text of a decoded one takes less: it
// has no slots to fill; its boxes take up to an eighth more: arrays have.
func TestDecodedHeap(t *testing.T) {
	leeway := 0.0
	if !sharesBlocks() {
		leeway = tinyBytes
	}
	text := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name          string
		rows, columns int
		least         float64 // of the bytes, that the heap has
		value         func(row, column int) driver.Value
	}{
		{"1x3 mixed", 1, 3, 0.9, func(i, j int) driver.Value {
			return []driver.Value{int64(1e6), text(24), time.Unix(int64(i), 0)}[j]
		}},
		{"100x3 mixed", 100, 3, 0.85, func(i, j int) driver.Value {
			return []driver.Value{int64(1e6 + i), text(20 + i%20), time.Unix(int64(i), 0)}[j]
		}},
		{"1000x10 strings", 1000, 10, 0.85, func(i, j int) driver.Value { return text(i%30 + j) }},
		{"100x2 long strings", 100, 2, 0.85, func(i, j int) driver.Value { return text(500 + 17*i) }},
		{"50x1 of a chunk and more", 50, 1, 0.85, func(i, j int) driver.Value { return text(chunkBytes - 25 + i) }},
		{"3x1 wide bytea", 3, 1, 0.85, func(i, j int) driver.Value { return make([]byte, 100_000+i) }},
		{"200x4 small bytea", 200, 4, 0.85, func(i, j int) driver.Value { return make([]byte, 16*j) }},
		{"500x4 small ints", 500, 4, 0.85, func(i, j int) driver.Value { return int64((i + j) % 256) }},
		{"500x2 floats", 500, 2, 0.85, func(i, j int) driver.Value { return float64(i) + 0.5 }},
		{"no rows", 0, 10, 0.7, nil},
		{"zones", 100, 1, 0.85, func(i, j int) driver.Value { return time.Unix(int64(i), 0).In(time.FixedZone("X", 5)) }},
	}
	for _, tt := range tests {
		names := strings.Fields(strings.Repeat("identifier ", tt.columns))
		p := encoded(t, Record(&fresh{names: names, rows: tt.rows, value: tt.value}, Limits{}, nil).Set())
		decode := func() *Set {
			set, err := Decode(p, Limits{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
		bytes := float64(decode().Bytes())
		sets := make([]*Set, max(4, min(4000, 4<<20/int(bytes))))
		before := heap()
		for i := range sets {
			sets[i] = decode()
		}
		real := float64(heap()-before) / float64(len(sets))
		if real > 1.1*bytes+leeway*float64(tt.rows*tt.columns) || real < tt.least*bytes {
			t.Errorf("%s: Bytes %.0f, the heap holds %.0f", tt.name, bytes, real)
		}
		runtime.KeepAlive(sets)
	}
}

// TestDecodeAllocations counts an array of boxes for each column and a few for
// the rest.
func TestDecodeAllocations(t *testing.T) {
	set := newSet(columnsOf("id", "title", "created_at"))
	for i := range 100 {
		set.add(row{int64(1000 + i), strings.Repeat("x", 20), time.Unix(1.7e9, 0).UTC()})
	}
	p := encoded(t, set)
	got := testing.AllocsPerRun(100, func() { Decode(p, Limits{}, nil) })
	// Set, columns, their names, values, body, text and decoder.
	if want := 3.0 + 7; got > want {
		t.Errorf("%v allocations, want %v", got, want)
	}
}
