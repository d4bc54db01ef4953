package resultset

import (
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
)

// resum makes the checksum of p right again.
func resum(p []byte) []byte {
	binary.LittleEndian.PutUint32(p[2:], checksum(p))
	return p
}

// framed returns a payload of this body.
func framed(form byte, body []byte) []byte {
	return resum(append([]byte{FormatVersion, form, 0, 0, 0, 0}, body...))
}

// payload returns one of these sections; the shape is added to the head.
func payload(width, rows uint64, head, text, blob string) []byte {
	shape := binary.AppendUvarint(binary.AppendUvarint(nil, width<<1), rows)
	body := binary.AppendUvarint(nil, uint64(len(shape)+len(head)))
	body = binary.AppendUvarint(body, uint64(len(text)))
	body = append(append(body, shape...), head...)
	return framed(bodyPlain, append(append(body, text...), blob...))
}

// uvarints returns these numbers as AppendUvarint writes them.
func uvarints(numbers ...uint64) string {
	var b []byte
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return string(b)
}

func TestDecodeHostile(t *testing.T) {
	const (
		column  = "\x00\x00\x01\x00" // no name, no type, any, no flags
		nothing = "\x01"             // a run of one nil
	)
	run := func(k kind, n byte) string { return string([]byte{byte(k)<<kindShift | n}) }
	huge := uvarints(math.MaxUint64)
	tests := map[string]struct {
		payload []byte
		err     error
	}{
		"nothing":             {nil, ErrCorrupt},
		"only a version":      {[]byte{FormatVersion}, ErrCorrupt},
		"version 0":           {resum(append([]byte{0}, encoded(t, setOf(nil))[1:]...)), ErrVersion},
		"the next version":    {resum(append([]byte{FormatVersion + 1}, encoded(t, setOf(nil))[1:]...)), ErrVersion},
		"a sealed one":        {resum(append([]byte{sealVersion}, encoded(t, setOf(nil))[1:]...)), ErrVersion},
		"no body":             {framed(bodyPlain, nil), ErrCorrupt},
		"unknown form":        {framed(bodyS2+1, encoded(t, setOf(nil))[headerBytes:]), ErrCorrupt},
		"no block":            {framed(bodyS2, nil), ErrCorrupt},
		"no S2":               {framed(bodyS2, []byte("\x10 text text text text")), ErrCorrupt},
		"S2 of 4 GiB":         {framed(bodyS2, []byte(uvarints(math.MaxUint32)+"\x00x\xff\xff\xff\xff")), ErrTooLarge},
		"S2 of 2^63":          {framed(bodyS2, []byte(uvarints(1<<63))), ErrCorrupt},
		"large head":          {framed(bodyPlain, []byte(huge+"\x00\x02\x00")), ErrCorrupt},
		"large text":          {framed(bodyPlain, []byte("\x02"+huge+"\x00\x00")), ErrCorrupt},
		"2^40 rows":           {payload(1, 1<<40, column+"\x00\x00", "", ""), ErrCorrupt},
		"2^63 rows":           {payload(1, 1<<63, column+"\x00\x00", "", ""), ErrCorrupt},
		"2^64-1 rows":         {payload(3, math.MaxUint64, column+column+column, "", ""), ErrCorrupt},
		"2^40 columns":        {payload(1<<40, 0, column, "", ""), ErrCorrupt},
		"2^62 columns":        {payload(1<<62, 1<<62, column, "", ""), ErrCorrupt},
		"2^40 rows of none":   {payload(0, 1<<40, "", "", ""), ErrTooLarge},
		"2^64-1 rows of none": {payload(0, math.MaxUint64, "", "", ""), ErrTooLarge},
		"fewer rows":          {payload(1, 2, column+nothing, "", ""), ErrCorrupt},
		"more rows":           {payload(1, 1, column+"\x02", "", ""), ErrCorrupt},
		"more runs":           {payload(1, 1, column+nothing+nothing, "", ""), ErrCorrupt},
		"long run":            {payload(1, 9, column+run(kindInt64, 0)+huge+strings.Repeat("\x00", 9), "", ""), ErrCorrupt},
		"longer run":          {payload(1, 8, column+run(kindInt64, 0)+"\x01"+strings.Repeat("\x00", 9), "", ""), ErrCorrupt},
		"unknown kind":        {payload(1, 1, column+run(afterKinds, 1), "", ""), ErrCorrupt},
		"unknown scan type":   {payload(1, 0, "\x00\x00\xff\x00", "", ""), ErrCorrupt},
		"unknown flag":        {payload(1, 0, "\x00\x00\x01\x80", "", ""), ErrCorrupt},
		"missing text":        {payload(1, 1, column+run(kindString, 1)+"\x01", "", ""), ErrCorrupt},
		"missing chunk":       {payload(1, 1, column+run(kindString, 1)+"\x01", "\x02x", ""), ErrCorrupt},
		"large chunk":         {payload(1, 1, column+run(kindString, 1)+"\x01", huge+"x", ""), ErrCorrupt},
		"large string":        {payload(1, 1, column+run(kindString, 1)+huge, "\x01x", ""), ErrCorrupt},
		"string over chunks":  {payload(1, 1, column+run(kindString, 1)+"\x02", "\x01x\x01y", ""), ErrCorrupt},
		"spare text":          {payload(1, 1, column+run(kindString, 1)+"\x01", "\x02xy", ""), ErrCorrupt},
		"spare chunk":         {payload(1, 1, column+run(kindString, 1)+"\x01", "\x01x\x01y", ""), ErrCorrupt},
		"large bytes":         {payload(1, 1, column+run(kindBytes, 1)+huge, "", "x"), ErrCorrupt},
		"spare bytes":         {payload(1, 1, column+run(kindBytes, 1)+"\x01", "", "xy"), ErrCorrupt},
		"half a float64":      {payload(1, 1, column+run(kindFloat64, 1)+"1234567", "", ""), ErrCorrupt},
		"half a float32":      {payload(1, 1, column+run(kindFloat32, 1)+"123", "", ""), ErrCorrupt},
		"int8 of 128":         {payload(1, 1, column+run(kindInt8, 1)+"\x80\x02", "", ""), ErrCorrupt},
		"uint16 of -1":        {payload(1, 1, column+run(kindUint16, 1)+"\x01", "", ""), ErrCorrupt},
		"number of 11 bytes":  {payload(1, 1, column+run(kindInt64, 1)+strings.Repeat("\x80", 10)+"\x00", "", ""), ErrCorrupt},
		"number over 64 bits": {payload(1, 1, column+run(kindInt64, 1)+strings.Repeat("\xff", 9)+"\x02", "", ""), ErrCorrupt},
		"a second of 2s":      {payload(1, 1, column+run(kindTime, 1)+"\x00\x00"+uvarints(2_000_000_001), "", ""), ErrCorrupt},
		"a second of 1s":      {payload(1, 1, column+run(kindTime, 1)+"\x00\x00"+uvarints(2_000_000), "", ""), ErrCorrupt},
		"2^64 ns":             {payload(1, 1, column+run(kindTime, 1)+"\x00\x00"+huge, "", ""), ErrCorrupt},
		"zone 2 of 0":         {payload(1, 1, column+run(kindTime, 1)+"\x02\x00\x00\x00", "", ""), ErrCorrupt},
		"unknown zone form":   {payload(1, 1, column+run(kindTime, 1)+"\x01\x03\x00\x00\x00\x00\x00", "", ""), ErrCorrupt},
		"large zone name":     {payload(1, 1, column+run(kindTime, 1)+"\x01\x01"+uvarints(256)+strings.Repeat("z", 256)+"\x00\x00\x00", "", ""), ErrCorrupt},
	}
	for name, tt := range tests {
		var got *Set
		var err error
		taken := allocated(func() { got, err = Decode(tt.payload, Limits{}, nil) })
		if got != nil || !errors.Is(err, tt.err) {
			t.Errorf("%s: %+v, error %v, want %v", name, got, err, tt.err)
		}
		if taken > allowed(len(tt.payload)) {
			t.Errorf("%s: %d bytes of memory for %d", name, taken, len(tt.payload))
		}
	}
	empty := newSet(nil)
	empty.rows = MaxEmptyRows
	roundTrip(t, "most empty rows", empty)
	empty.rows++
	if _, err := empty.AppendBinary(nil); !errors.Is(err, ErrNotPortable) {
		t.Errorf("more empty rows: %v", err)
	}
}

// allowed returns what Decode may take for a payload of n bytes that is not
// compressed, and what a test may while it does.
func allowed(n int) int { return 160*n + 64<<10 }

// allocated returns how many bytes of the heap f takes, used or not.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

func TestDecodeLimits(t *testing.T) {
	for name, set := range map[string]*Set{
		"ten":             recordAll(t, scripts["ten"]),
		"wide":            recordAll(t, scripts["wide"]),
		"bytes":           recordAll(t, scripts["bytes"]),
		"rows of nothing": recordAll(t, scripts["rows of nothing"]),
		"compressed":      setOf(strings.Repeat("again and ", 100_000)),
	} {
		p := encoded(t, set)
		for _, limits := range []Limits{
			{}, {Rows: set.Len()}, {Bytes: set.Bytes()}, {set.Len(), set.Bytes()},
		} {
			if got, err := Decode(p, limits, nil); err != nil || !got.Equal(set) {
				t.Errorf("%s within %+v: %v", name, limits, err)
			}
		}
		for _, limits := range []Limits{
			{Rows: set.Len() - 1}, {Bytes: set.Bytes() - 1}, {Bytes: 1},
		} {
			if limits == (Limits{}) {
				continue // no limit
			}
			if got, err := Decode(p, limits, nil); err != ErrTooLarge || got != nil {
				t.Errorf("%s over %+v: %v", name, limits, err)
			}
		}
	}
}

// A few bytes that expand to much are refused before memory is taken for it.
func TestDecodeBombs(t *testing.T) {
	limits := Limits{Bytes: 1 << 20}
	bombs := map[string]*Set{
		"text": setOf(strings.Repeat("x", 4<<20)),
		"NULL": setOf(make(row, 1<<20)...),
	}
	for name, set := range bombs {
		p := encoded(t, set)
		var err error
		taken := allocated(func() { _, err = Decode(p, limits, nil) })
		if err != ErrTooLarge || taken > limits.Bytes {
			t.Errorf("%s: %d bytes for a payload of %d, error %v", name, taken, len(p), err)
		}
	}
}
