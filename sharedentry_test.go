package querycache

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache/invalidation"
)

var sharedEntries = []sharedEntry{
	{ttl: time.Second, rows: []byte{}},
	{stamp: invalidation.FleetStamp{Epoch: "E", Seq: 1 << 60}, asked: time.UnixMicro(1_790_000_000_000_000), ttl: maxShared, cost: maxCost,
		tags: []string{"t:public.books", `t:"a,b"`, "u:tenant:42", ""}, rows: []byte("rows")},
}

func TestSharedEntry(t *testing.T) {
	for _, want := range sharedEntries {
		data := want.append([]byte("before"), []byte("key"))[len("before"):]
		got, err := parseShared(data, []byte("key"))
		if err != nil {
			t.Fatal(err)
		}
		if !got.asked.Equal(want.asked) && !want.asked.IsZero() {
			t.Errorf("asked %v, want %v", got.asked, want.asked)
		}
		got.asked = want.asked
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
		for _, known := range [][]string{want.tags, {"t:public.books"}, {"t:public.books", `t:"a,b"`, "u:tenant:42", "x"}, {"t:public.books", `t:"a,b"`, "u:tenant:42", "", ""}} {
			again, err := parseShared(data, []byte("key"), known...)
			if err != nil || !slices.Equal(again.tags, want.tags) {
				t.Errorf("tags %q, error %v, while %q were known; want %q", again.tags, err, known, want.tags)
			}
		}
		if _, err := parseShared(data, []byte("another key")); err == nil {
			t.Error("it is taken for the entry of another key")
		}
		head := len(data) - len(want.rows)
		for i := range head {
			for bit := range 8 {
				damaged := append([]byte(nil), data...)
				damaged[i] ^= 1 << bit
				if _, err := parseShared(damaged, []byte("key")); err == nil {
					t.Errorf("byte %d, bit %d: damage is not noticed", i, bit)
				}
			}
			if _, err := parseShared(data[:i], []byte("key")); err == nil {
				t.Errorf("cut at %d: not noticed", i)
			}
		}
	}
	for _, e := range []sharedEntry{{ttl: 0}, {ttl: -1}, {ttl: maxShared + time.Second}} {
		if _, err := parseShared(e.append(nil, []byte("key")), []byte("key")); err == nil {
			t.Errorf("a lifetime of %v is believed", e.ttl)
		}
	}
}

func FuzzSharedEntry(f *testing.F) {
	for _, e := range sharedEntries {
		f.Add(e.append(nil, []byte("key")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseShared(data, []byte("key"))
		if err != nil {
			return
		}
		if again, err := parseShared(e.append(nil, []byte("key")), []byte("key")); err != nil || !reflect.DeepEqual(e, again) {
			t.Errorf("%+v, again %+v, %v", e, again, err)
		}
	})
}
