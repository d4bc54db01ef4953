package resultset

import (
	"slices"
	"testing"
)

// TestDecodeDamaged changes every bit of payloads and cuts them everywhere.
func TestDecodeDamaged(t *testing.T) {
	golden(t)
	for name, p := range goldenPayloads(t) {
		for i := range p {
			for bit := range 8 {
				p[i] ^= 1 << bit
				got, err := Decode(p, Limits{}, scanAny)
				if got != nil || err != ErrCorrupt && err != ErrVersion || err == ErrVersion != (i == 0) {
					t.Fatalf("%s, bit %d of byte %d: %+v, error %v", name, bit, i, got, err)
				}
				// Past the checksum there need not be an error, but there is
				// no panic, and what comes out is a Set.
				if i >= headerBytes || i == 1 {
					sum := slices.Clone(p[2:headerBytes])
					checkDecoded(t, resum(p))
					copy(p[2:], sum)
				}
				p[i] ^= 1 << bit
			}
		}
		for n := range p {
			if got, err := Decode(p[:n:n], Limits{}, scanAny); got != nil || err != ErrCorrupt {
				t.Fatalf("%s, first %d bytes: %+v, error %v", name, n, got, err)
			}
			if n >= headerBytes {
				q := resum(slices.Clone(p[:n]))
				if got, err := Decode(q, Limits{}, scanAny); got != nil || err == nil {
					t.Fatalf("%s, first %d bytes, forged: %+v, error %v", name, n, got, err)
				}
			}
		}
		for _, more := range []string{"\x00", "x", "\x01\x02\x03"} {
			q := append(slices.Clone(p), more...)
			if got, err := Decode(q, Limits{}, scanAny); got != nil || err != ErrCorrupt {
				t.Fatalf("%s and %q: %+v, error %v", name, more, got, err)
			}
			if got, err := Decode(resum(q), Limits{}, scanAny); got != nil || err == nil {
				t.Fatalf("%s and %q, forged: %+v, error %v", name, more, got, err)
			}
		}
	}
}

// checkDecoded decodes p. If that gives a Set, it must be one like any other.
func checkDecoded(t testing.TB, p []byte) {
	limits := Limits{Bytes: 1 << 20}
	set, err := Decode(p, limits, scanAny)
	if err != nil {
		if set != nil {
			t.Fatalf("a set and the error %v", err)
		}
		return
	}
	if limits.passed(set) {
		t.Fatalf("a set of %d bytes within %d", set.Bytes(), limits.Bytes)
	}
	again, err := Decode(encoded(t, set), limits, scanAny)
	if err != nil || !again.Equal(set) || again.Bytes() != set.Bytes() {
		t.Fatalf("%x: not equal to itself: %+v, error %v", p, again, err)
	}
	rows := set.Rows()
	for dest := make(row, len(rows.Columns())); rows.Next(dest) == nil; {
		for _, v := range dest {
			if kindOf(v) == afterKinds {
				t.Fatalf("a value %#v", v)
			}
		}
	}
}
