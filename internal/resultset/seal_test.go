package resultset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func sealKey(b byte) []byte { return bytes.Repeat([]byte{b}, SealKeyBytes) }

func newSeal(t testing.TB, keys ...[]byte) *Seal {
	t.Helper()
	s, err := NewSeal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSeal(t *testing.T) {
	s := newSeal(t, sealKey(1))
	for _, plain := range []string{"", "x", strings.Repeat("plain text ", 1000)} {
		sealed := s.Seal([]byte("before"), "name", []byte(plain))
		got, err := s.Open("name", sealed[len("before"):])
		if err != nil || string(got) != plain || !bytes.HasPrefix(sealed, []byte("before")) {
			t.Errorf("%.20q: %.20q, error %v", plain, got, err)
		}
		if n := len(sealed) - len("before") - len(plain); n != 29 {
			t.Errorf("%d bytes more", n)
		}
		if len(plain) > 8 && bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("%.20q shows in %.40q", plain, sealed)
		}
	}
	if a, b := s.Seal(nil, "name", nil), s.Seal(nil, "name", nil); bytes.Equal(a, b) {
		t.Error("the same nonce twice")
	}
}

func TestSealOpensNothingElse(t *testing.T) {
	s := newSeal(t, sealKey(1), sealKey(2))
	set := recordAll(t, scripts["all types"])
	plain := encoded(t, set)
	sealed := s.Seal(nil, "name", plain)
	kept := slices.Clone(sealed)
	fails := func(what string, s *Seal, name string, sealed []byte) {
		t.Helper()
		if got, err := s.Open(name, sealed); err != ErrSeal || got != nil {
			t.Errorf("%s: %d bytes, error %v", what, len(got), err)
		}
	}
	fails("other key", newSeal(t, sealKey(3)), "name", sealed)
	fails("no key", new(Seal), "name", sealed)
	for _, name := range []string{"", "nam", "name2", "Name", "name\x00"} {
		fails("name "+name, s, name, sealed)
	}
	fails("plain", s, "name", plain)
	for n := range sealed {
		fails(fmt.Sprint("first bytes: ", n), s, "name", sealed[:n:n])
	}
	fails("more", s, "name", append(slices.Clone(sealed), 0))
	for i := range sealed {
		for bit := range 8 {
			sealed[i] ^= 1 << bit
			fails(fmt.Sprintf("bit %d of byte %d", bit, i), s, "name", sealed)
			sealed[i] ^= 1 << bit
		}
	}
	if !bytes.Equal(sealed, kept) {
		t.Error("Open has written into its input")
	}
	if _, err := Decode(sealed, Limits{}, nil); err != ErrVersion {
		t.Errorf("taken for a plain payload: %v", err)
	}
	opened, err := s.Open("name", sealed)
	if got, err2 := Decode(opened, Limits{}, nil); err != nil || err2 != nil || !got.Equal(set) {
		t.Errorf("the set: %v, %v", err, err2)
	}
}

func TestSealRotation(t *testing.T) {
	before, both, swapped, after := newSeal(t, sealKey(1)), newSeal(t, sealKey(1), sealKey(2)),
		newSeal(t, sealKey(2), sealKey(1)), newSeal(t, sealKey(2))
	tests := []struct {
		name     string
		by, with *Seal
		opens    bool
	}{
		{"before by both", before, both, true},
		{"both by before", both, before, true},
		{"both by swapped", both, swapped, true},
		{"swapped by both", swapped, both, true},
		{"swapped by after", swapped, after, true},
		{"after by swapped", after, swapped, true},
		{"before by after", before, after, false},
		{"swapped by before", swapped, before, false},
	}
	for _, tt := range tests {
		got, err := tt.with.Open("name", tt.by.Seal(nil, "name", []byte("plain")))
		if (err == nil) != tt.opens || tt.opens != (string(got) == "plain") {
			t.Errorf("%s: %q, error %v", tt.name, got, err)
		}
	}
}

func TestNewSealErrors(t *testing.T) {
	short := sealKey('k')[1:]
	for want, keys := range map[string][][]byte{
		"no key":                 nil,
		"key 1 of 1 has 31":      {short},
		"key 2 of 2 has 0":       {sealKey(1), nil},
		"key 1 of 1 has 64":      {bytes.Repeat([]byte("0a"), SealKeyBytes)},
		"keys 1 and 3 of 3":      {sealKey(1), sealKey(2), sealKey(1)},
		"key 2 of 2 is all zero": {sealKey(1), sealKey(0)},
	} {
		s, err := NewSeal(keys...)
		if s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, error %v, want %q", s, err, want)
		} else if strings.Contains(err.Error(), "kkk") {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

// The caller may wipe his keys, and several goroutines may use one Seal.
func TestSealOwnsItsKeys(t *testing.T) {
	key := sealKey(1)
	s := newSeal(t, key)
	clear(key)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 100 {
				plain := fmt.Sprint("plain ", i)
				if got, err := s.Open("name", newSeal(t, sealKey(1)).Seal(nil, "name", []byte(plain))); err != nil || string(got) != plain {
					t.Errorf("%q, error %v", got, err)
				}
				s.Seal(nil, "name", []byte(plain))
			}
		})
	}
	wg.Wait()
}
