package resultset

import (
	"database/sql/driver"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones that the tests name
)

// columnsOf returns columns of these names and nothing else.
func columnsOf(names ...string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: name, ScanType: reflect.TypeFor[any]()}
	}
	return columns
}

// setOf returns a Set of one column.
func setOf(values ...driver.Value) *Set {
	s := newSet(columnsOf("v"))
	for _, v := range values {
		s.add(row{v})
	}
	s.clip()
	return s
}

func encoded(t testing.TB, s *Set) []byte {
	t.Helper()
	p, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatalf("AppendBinary: %v", err)
	}
	return p
}

// roundTrip returns what becomes of s, having compared the two in all that
// Equal leaves out, too.
func roundTrip(t testing.TB, name string, s *Set) *Set {
	t.Helper()
	p := encoded(t, s)
	got, err := Decode(p, Limits{}, nil)
	if err != nil {
		t.Fatalf("%s: Decode: %v", name, err)
	}
	if !got.Equal(s) {
		t.Errorf("%s: not equal:\n got %q\nwant %q", name, play(got.Rows(), 1000), play(s.Rows(), 1000))
	}
	if got.held != s.held || got.blob != s.blob || got.Bytes() != s.Bytes() || !slices.Equal(got.names, s.names) {
		t.Errorf("%s: held %d, blob %d, names %q; want %d, %d, %q", name,
			got.held, got.blob, got.names, s.held, s.blob, s.names)
	}
	if cap(got.values) > 0 && arrayBytes(cap(got.values)) > arrayBytes(len(s.values)) {
		t.Errorf("%s: room for %d of %d values", name, cap(got.values), len(s.values))
	}
	for i, v := range got.values {
		if b, ok := v.([]byte); ok && cap(b) > len(b) {
			t.Errorf("%s: value %d has room for what is behind it", name, i)
		}
		if bitsOf(v) != bitsOf(s.values[i]) {
			t.Errorf("%s: value %d has the bits %x, want %x", name, i, bitsOf(v), bitsOf(s.values[i]))
		}
	}
	// Whatever is done to the payload does not reach the Set.
	want := play(got.Rows(), 1000)
	for i := range p {
		p[i] = '!'
	}
	if after := play(got.Rows(), 1000); !slices.Equal(after, want) {
		t.Errorf("%s: the set shares the payload's memory", name)
	}
	return got
}

func bitsOf(v driver.Value) uint64 {
	switch v := v.(type) {
	case float64:
		return math.Float64bits(v)
	case float32:
		return uint64(math.Float32bits(v))
	}
	return 0
}

func TestCodecScripts(t *testing.T) {
	for name, s := range scripts {
		for _, s.plain = range []bool{false, true} {
			live, _ := s.live()
			if set := Record(live, Limits{}, nil).Set(); set != nil {
				roundTrip(t, name, set)
			}
		}
	}
	if got, err := Decode(encoded(t, new(Set)), Limits{}, nil); err != nil || !got.Equal(new(Set)) {
		t.Errorf("the zero value became %+v, error %v", got, err)
	}
}

func TestCodecValues(t *testing.T) {
	long := strings.Repeat("long ", 5000)
	tests := map[string][]driver.Value{
		"nil":                    {nil, nil},
		"bool":                   {true, false, false, true},
		"int64":                  {int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64), int64(255), int64(256)},
		"int":                    {0, math.MaxInt, math.MinInt, -1},
		"int8":                   {int8(math.MaxInt8), int8(math.MinInt8), int8(0)},
		"int16":                  {int16(math.MaxInt16), int16(math.MinInt16), int16(0), int16(255)},
		"int32":                  {int32(math.MaxInt32), int32(math.MinInt32), int32(0), int32(255)},
		"uint":                   {uint(0), uint(math.MaxUint), uint(0)},
		"uint8":                  {uint8(math.MaxUint8), uint8(0)},
		"uint16":                 {uint16(math.MaxUint16), uint16(0)},
		"uint32":                 {uint32(math.MaxUint32), uint32(0)},
		"uint64":                 {uint64(math.MaxUint64), uint64(0), uint64(1 << 63), uint64(math.MaxUint64)},
		"float64":                {0.0, math.Copysign(0, -1), 1.5, math.Inf(1), math.Inf(-1), math.NaN(), math.Float64frombits(0x7ff0_0000_0000_0001), math.Float64frombits(0xfff8_dead_beef_0000), math.SmallestNonzeroFloat64, 5e-322},
		"float32":                {float32(0), float32(math.Copysign(0, -1)), float32(1.5), math.Float32frombits(0x7f80_0001), math.Float32frombits(0xffc0_dead), float32(math.Inf(1))},
		"string":                 {"", "a", "grün\x00\xff", long, "", long + long, "after"},
		"long, empty":            {long, "", ""},
		"bytes":                  {[]byte(nil), []byte{}, []byte("a"), []byte(long), []byte("\xff\x00")},
		"empty":                  {[]byte{}, []byte{}, []byte(nil)},
		"mixed":                  {nil, int64(5), "text", 5, []byte("bytes"), uint8(5), true, 5.0, float32(5), time.Unix(5, 5).UTC(), nil, int64(-7), false},
		"numbers between others": {int64(1 << 40), nil, int64(1<<40 + 1), "x", uint64(math.MaxUint64), int8(-3)},
	}
	// Around the lengths at which a run has another form.
	for _, n := range []int{6, 7, 8, 9, 15, 16, 17, 127 + 8, 128 + 8, 1000} {
		for _, v := range []driver.Value{nil, true, int64(n), "x", []byte(nil)} {
			tests["run of "+show(v)] = slices.Repeat([]driver.Value{v}, n)
			roundTrip(t, "run of "+show(v), setOf(slices.Repeat([]driver.Value{v}, n)...))
		}
	}
	for name, values := range tests {
		roundTrip(t, name, setOf(values...))
		for _, v := range values {
			roundTrip(t, "one "+name, setOf(v))
		}
	}
}

// Every type that a Set can hold has a kind.
func TestCodecKnowsPlainTypes(t *testing.T) {
	for _, r := range scripts["all types"].results[0].rows {
		if _, plain := boxBytes(r[0]); !plain || kindOf(r[0]) == afterKinds {
			t.Errorf("%s: plain %t, kind %d", show(r[0]), plain, kindOf(r[0]))
		}
	}
	if k := kindOf(custom{}); k != afterKinds {
		t.Errorf("a custom type has the kind %d", k)
	}
}

func TestCodecText(t *testing.T) {
	// Strings of all sizes around that of a chunk, so that chunks end within
	// runs, between them, and between columns.
	set := newSet(columnsOf("a", strings.Repeat("name", 2000), "c"))
	for i := range 300 {
		n := []int{0, 1, 20, 700, chunkBytes - 1, chunkBytes, chunkBytes + 1}[i%7]
		var b driver.Value = strings.Repeat("b", n)
		if i%5 == 0 {
			b = nil
		}
		set.add(row{strings.Repeat("a", i), b, strings.Repeat("c", i*i%97)})
	}
	roundTrip(t, "text", set)

	// One who keeps a short value keeps a chunk, not all text.
	chunks := reader{data: encodedText(t, setOf(slices.Repeat([]driver.Value{strings.Repeat("x", 100)}, 1000)...))}
	for chunks.left() > 0 {
		if n := chunks.uvarint(); n > chunkBytes || chunks.bytes(n) == nil {
			t.Fatalf("a chunk of %d bytes", n)
		}
	}
}

// encodedText returns the text section of the body of s.
func encodedText(t *testing.T, s *Set) []byte {
	t.Helper()
	var e encoder
	if err := e.encode(s); err != nil {
		t.Fatal(err)
	}
	r := reader{data: e.body()}
	head, size := r.uvarint(), r.uvarint()
	r.bytes(head)
	return r.bytes(size)
}
