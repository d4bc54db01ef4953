package resultset

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// TestUvarint compares with package encoding/binary, for numbers of all sizes
// with much or nothing behind them, and for ones that binary would not write.
func TestUvarint(t *testing.T) {
	check := func(p []byte) {
		t.Helper()
		want, n := binary.Uvarint(p)
		r := reader{data: p}
		got := r.uvarint()
		if n <= 0 && !r.bad || n > 0 && (r.bad || got != want || r.at != n) {
			t.Errorf("%x: %d and %d bytes, bad %v; want %d and %d", p, got, r.at, r.bad, want, n)
		}
	}
	for shift := range 64 {
		for _, v := range []uint64{1 << shift, 1<<shift - 1, 1<<shift + 1, math.MaxUint64 >> shift, 0xa5a5a5a5a5a5a5a5 >> shift} {
			for _, rest := range []int{0, 1, 6, 7, 8, 20} {
				p := append(binary.AppendUvarint(nil, v), bytes.Repeat([]byte{0xff}, rest)...)
				check(p)
				check(p[:len(p)-rest-1]) // the end is missing
			}
		}
	}
	for n := range 12 {
		long := append(bytes.Repeat([]byte{0x80}, n), 0, 0x55, 0xff, 0, 0, 0, 0, 0, 0, 0)
		check(long)
		long[n] = 1
		check(long)
	}
}
