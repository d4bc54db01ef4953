package querycache

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/querycache/querycache/dialect"
)

type (
	plainInt    int64
	otherInt    int64
	plainString string
	withMethod  int64
	structured  struct{ A int }
)

func (withMethod) String() string { return "" }

type valuer struct{}

func (valuer) Value() (driver.Value, error) { return int64(1), nil }

func encode(t testing.TB, args ...any) ([]byte, bool) {
	t.Helper()
	named := namedValues(args)
	return appendArgs(nil, named, dialect.Generic())
}

// TestArgsAreTold apart: every list differs from every other.
func TestArgsAreToldApart(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	now := time.Now()
	one, other, empty := int64(1), int64(2), ""
	lists := [][]any{
		{}, {nil}, {nil, nil},
		{int64(1)}, {1}, {int32(1)}, {uint64(1)}, {float64(1)}, {float32(1)}, {"1"}, {true}, {false}, {[]byte("1")},
		{plainInt(1)}, {otherInt(1)}, {&one}, {&other}, {(*int64)(nil)}, {(*string)(nil)}, {&empty},
		{0.0}, {math.Copysign(0, -1)}, {math.NaN()}, {math.Inf(1)},
		{""}, {[]byte{}}, {[]byte(nil)}, {plainString("")},
		{"a", "b"}, {"ab"}, {"ab", ""}, {"", "ab"}, {"a\x00b"},
		{[]string{"a", "b"}}, {[]string{"ab"}}, {[]string(nil)}, {[]string{}}, {[]any{"a", "b"}}, {[]int64{1}}, {[]int32{1}}, {[][]byte{{1}}},
		{at}, {at.In(time.FixedZone("UTC", 3600))}, {at.In(time.FixedZone("X", 0))}, {at.Local()}, {at.Add(1)}, {now}, {now.Round(0)},
		{sql.NullString{}}, {sql.NullString{Valid: true}}, {sql.NullInt64{}}, {sql.Null[string]{}}, {&sql.NullString{}}, {(*sql.NullString)(nil)},
		{sql.Named("a", 1)}, {sql.Named("b", 1)},
	}
	seen := make(map[string]int)
	for i, list := range lists {
		key, ok := encode(t, list...)
		if !ok {
			t.Errorf("%#v is refused", list)
			continue
		}
		if j, known := seen[string(key)]; known {
			t.Errorf("%#v and %#v share a key", list, lists[j])
		}
		seen[string(key)] = i
		if again, _ := encode(t, list...); !bytes.Equal(key, again) {
			t.Errorf("%#v has two keys", list)
		}
	}
}

func TestArgsThatCannotBeKeyed(t *testing.T) {
	var out int
	type self *self
	for _, arg := range []any{
		structured{}, &structured{}, map[string]int{}, make(chan int), func() {}, [2]int{}, complex(1, 1),
		valuer{}, &valuer{}, withMethod(1), sql.Out{Dest: &out}, []any{structured{}}, new(self),
		sql.Null[structured]{Valid: true},
	} {
		if _, ok := encode(t, arg); ok {
			t.Errorf("%T is keyed", arg)
		}
	}
}

// FuzzArgKey builds two lists of arguments and demands one key only for equal
// lists.
func FuzzArgKey(f *testing.F) {
	f.Add([]byte{0, 1, 'a', 2, 3}, []byte{1, 2})
	f.Add([]byte{3, 2, 'a', 'b'}, []byte{3, 1, 'a', 3, 1, 'b'})
	f.Add([]byte{7, 3, 1, 2, 3}, []byte{7, 2, 1, 2})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, y := argsFrom(a), argsFrom(b)
		kx, okx := encode(t, x...)
		ky, oky := encode(t, y...)
		if !okx || !oky {
			t.Fatalf("refused: %#v %#v", x, y)
		}
		if same := describeArgs(x) == describeArgs(y); same != bytes.Equal(kx, ky) {
			t.Errorf("equal keys: %v, for %s and %s", !same, describeArgs(x), describeArgs(y))
		}
	})
}

// argsFrom reads a list of arguments from fuzzed bytes.
func argsFrom(b []byte) (args []any) {
	take := func(n int) []byte {
		n = min(n, len(b))
		out := b[:n:n]
		b = b[n:]
		return out
	}
	number := func() uint64 {
		var w [8]byte
		copy(w[:], take(2))
		return binary.LittleEndian.Uint64(w[:])
	}
	for len(b) > 0 {
		switch kind := take(1)[0]; kind % 12 {
		case 0:
			args = append(args, nil)
		case 1:
			args = append(args, int64(number()))
		case 2:
			args = append(args, int(number()))
		case 3:
			args = append(args, string(take(int(kind)%5)))
		case 4:
			args = append(args, append([]byte{}, take(int(kind)%5)...))
		case 5:
			args = append(args, math.Float64frombits(number()<<48))
		case 6:
			args = append(args, kind > 100)
		case 7:
			var s []string
			for range kind % 4 {
				s = append(s, string(take(1)))
			}
			args = append(args, s)
		case 8:
			args = append(args, time.Unix(int64(number()), 0).In(time.FixedZone(string(take(1)), int(kind))))
		case 9:
			args = append(args, plainString(take(2)))
		case 10:
			args = append(args, sql.NullString{String: string(take(1)), Valid: true})
		case 11:
			args = append(args, uint8(number()))
		}
	}
	return args
}

// describeArgs is the twin: long, slow, and obviously exact.
func describeArgs(args []any) string {
	var b bytes.Buffer
	for _, a := range args {
		switch v := a.(type) {
		case float64:
			fmt.Fprintf(&b, "float64 %x;", math.Float64bits(v))
		case time.Time:
			zone, offset := v.Zone()
			fmt.Fprintf(&b, "time %d %q %d;", v.UnixNano(), zone, offset)
		default:
			fmt.Fprintf(&b, "%T %#v;", v, v)
		}
	}
	return b.String()
}
