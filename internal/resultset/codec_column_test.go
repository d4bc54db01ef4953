package resultset

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestCodecColumns(t *testing.T) {
	base := Column{Name: "n", DatabaseType: "T", ScanType: reflect.TypeFor[string]()}
	columns := []Column{
		{},
		base,
		{Name: "größe", DatabaseType: strings.Repeat("VARCHAR", 100), ScanType: base.ScanType},
	}
	for _, n := range []int64{0, 1, -1, 63, 64, math.MaxInt64 - 1, math.MaxInt64, math.MinInt64} {
		for i := range 16 {
			c := base
			c.Length, c.HasLength = n, i&1 != 0
			c.Nullable, c.HasNullable = i&2 != 0, i&4 != 0
			columns = append(columns, c)
			c.Precision, c.Scale, c.HasPrecisionScale = n, 0, i&8 != 0
			columns = append(columns, c)
			c.Precision, c.Scale = 0, n
			columns = append(columns, c)
		}
	}
	for _, c := range columns {
		roundTrip(t, "one column", newSet([]Column{c}))
	}
	roundTrip(t, "many columns", newSet(columns))
	roundTrip(t, "no column", newSet(nil))
}

func TestCodecScanTypes(t *testing.T) {
	if len(scanTypeNumbers) != len(scanTypes) || len(scanTypes) > math.MaxUint8 {
		t.Errorf("%d scan types, %d different ones", len(scanTypes), len(scanTypeNumbers))
	}
	for _, st := range scanTypes {
		roundTrip(t, "scan type", newSet([]Column{{ScanType: st}}))
	}
	for _, st := range []reflect.Type{
		reflect.TypeFor[custom](), reflect.TypeFor[jsonBytes](), reflect.TypeFor[*string](), reflect.TypeFor[error](),
	} {
		dst := []byte("before")
		got, err := newSet([]Column{{ScanType: st}}).AppendBinary(dst)
		if !errors.Is(err, ErrNotPortable) || !strings.Contains(err.Error(), st.String()) {
			t.Errorf("%v: %v", st, err)
		}
		if string(got) != "before" {
			t.Errorf("%v: %q was returned", st, got)
		}
	}
}

func TestCodecScanning(t *testing.T) {
	set := newSet([]Column{{Name: "a", DatabaseType: "JSONB"}, {Name: "b", DatabaseType: "_INT4"}})
	set.scanWith(make([]ColumnScan, 2))
	set.add(row{"{}", int64(5)})
	p := encoded(t, set)

	var asked []string
	know := func(types []string) []ColumnScan { asked = types; return make([]ColumnScan, len(types)) }
	_, can := any(set.replay()).(interface{ NextRow() error })
	got, err := Decode(p, Limits{}, know)
	if !can {
		// Such rows would be read in another way here than there.
		if err != ErrScan || asked != nil {
			t.Errorf("error %v, asked for %q", err, asked)
		}
	} else if err != nil || !got.Equal(set) || got.Bytes() != set.Bytes() || strings.Join(asked, " ") != "JSONB _INT4" {
		t.Errorf("error %v, set %+v, asked for %q", err, got, asked)
	}
	for name, scans := range map[string]func([]string) []ColumnScan{
		"nobody":   nil,
		"nothing":  func([]string) []ColumnScan { return nil },
		"too few":  func([]string) []ColumnScan { return make([]ColumnScan, 1) },
		"too many": func([]string) []ColumnScan { return make([]ColumnScan, 3) },
	} {
		if got, err := Decode(p, Limits{}, scans); err != ErrScan || got != nil {
			t.Errorf("%s known: %v, error %v", name, got, err)
		}
	}

	// Rows that did not scan by themselves are not asked about.
	asked = nil
	if _, err := Decode(encoded(t, setOf("x")), Limits{}, know); err != nil || asked != nil {
		t.Errorf("error %v, asked for %q", err, asked)
	}
}
