package resultset

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// here makes loc time.Local until the test is over.
func here(t testing.TB, loc *time.Location) {
	old := time.Local
	time.Local = loc
	t.Cleanup(func() { time.Local = old })
}

var instants = []time.Time{
	{},
	time.Unix(0, 0), time.Unix(-1, 999_999_999), time.Unix(1.7e9, 123_456_000), time.Unix(1.72e9, 1),
	time.Unix(1.7e9, 123_000_000), time.Unix(1_711_846_799, 0), time.Unix(1_711_846_800, 0), // around a summer time
	time.Unix(-1<<40, 0), time.Unix(1<<40, 0), time.Unix(math.MaxInt64, 999_999_999), time.Unix(math.MinInt64, 0),
	time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	time.Date(-5000, 6, 1, 0, 0, 0, 0, time.UTC),
}

func TestCodecTimes(t *testing.T) {
	here(t, load(t, "America/New_York"))
	zones := []*time.Location{
		time.UTC, time.Local,
		load(t, "Europe/Berlin"), load(t, "Asia/Kathmandu"), load(t, "Etc/GMT+5"), load(t, "EST"), load(t, "Etc/UTC"),
		time.FixedZone("", 0), time.FixedZone("", 3600), time.FixedZone("HERE", -4*3600-7),
		time.FixedZone("CET", 3600), // is in no summer time, unlike the zone of that name
		time.FixedZone("UTC", 0), time.FixedZone("UTC", 5), time.FixedZone("Local", 5), time.FixedZone("Europe/Berlin", 7200),
		time.FixedZone(strings.Repeat("z", maxZoneBytes), 1<<30),
	}
	var all []driver.Value
	for _, loc := range zones {
		var values []driver.Value
		for _, at := range instants {
			values = append(values, at.In(loc))
		}
		set := roundTrip(t, loc.String(), setOf(values...))
		for i, v := range set.values {
			want, got := values[i].(time.Time), v.(time.Time)
			// What Equal does not see: the location at other times.
			for _, later := range []time.Duration{0, 90 * 24 * time.Hour, 180 * 24 * time.Hour} {
				if g, w := got.Add(later).String(), want.Add(later).String(); g != w {
					t.Errorf("%v, %v later: %s, want %s", loc, later, g, w)
				}
			}
			for _, loc := range []*time.Location{time.UTC, time.Local} {
				if (got.Location() == loc) != (want.Location() == loc) {
					t.Errorf("%v: location %p, %v is %p", want, got.Location(), loc, loc)
				}
			}
		}
		all = append(all, values...)
	}
	roundTrip(t, "all", setOf(all...))
	slices.Reverse(all)
	roundTrip(t, "all reversed", setOf(all...))
	for i, v := range all { // each zone away from its like
		all[i] = v.(time.Time).In(zones[i%len(zones)])
	}
	roundTrip(t, "all mixed", setOf(all...))
}

func TestCodecDropsMonotonicReading(t *testing.T) {
	now := time.Now()
	got := roundTrip(t, "now", setOf(now)).values[0].(time.Time)
	if got != now.Round(0) {
		t.Errorf("got %v of %v", got, now)
	}
}

// A parser makes a location for each value it reads.
func TestCodecMergesZones(t *testing.T) {
	var one, many []driver.Value
	loc := time.FixedZone("X", 3600)
	for i := range 1000 {
		one = append(one, time.Unix(int64(i), 0).In(loc))
		many = append(many, time.Unix(int64(i), 0).In(time.FixedZone("X", 3600)))
	}
	if a, b := encoded(t, setOf(one...)), encoded(t, setOf(many...)); !bytes.Equal(a, b) {
		t.Errorf("%d bytes instead of %d", len(b), len(a))
	}
	got := roundTrip(t, "many", setOf(many...))
	if a, b := got.values[0].(time.Time).Location(), got.values[999].(time.Time).Location(); a != b {
		t.Error("a location for each value")
	}
}

func TestCodecLocalElsewhere(t *testing.T) {
	winter, summer := time.Unix(1.705e9, 0), time.Unix(1.72e9, 0)
	here(t, load(t, "Europe/Berlin"))
	p := encoded(t, setOf(winter.In(time.Local), summer.In(time.Local)))
	q := encoded(t, setOf(winter.In(time.Local)))
	tests := []struct {
		local *time.Location
		p     []byte
		err   error
	}{
		{load(t, "Europe/Paris"), p, nil}, // shows all of them alike
		{load(t, "Africa/Algiers"), q, nil},
		{load(t, "Africa/Algiers"), p, ErrZone}, // has no summer time
		{load(t, "America/New_York"), p, ErrZone},
		{time.UTC, q, ErrZone},
		{time.FixedZone("MEZ", 3600), q, ErrZone},
	}
	for _, tt := range tests {
		here(t, tt.local)
		got, err := Decode(tt.p, Limits{}, nil)
		if err != tt.err || err == nil && got.values[0].(time.Time).Location() != time.Local {
			t.Errorf("%v: %v, error %v, want %v", tt.local, got, err, tt.err)
		}
	}
}

func TestCodecZonesNotPortable(t *testing.T) {
	kathmandu := []byte("TZif2" + strings.Repeat("\x00", 15+4*4) + "\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x4d\x58\x00\x00" + "NPT\x00" +
		"TZif2" + strings.Repeat("\x00", 15+4*4) + "\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x4d\x58\x00\x00" + "NPT\x00" + "\nNPT-5:30\n")
	fake := func(name string) *time.Location {
		loc, err := time.LoadLocationFromTZData(name, kathmandu)
		if err != nil {
			t.Fatal(err)
		}
		return loc
	}
	many := make([]driver.Value, maxZones+1)
	for i := range many {
		many[i] = time.Unix(5, 0).In(time.FixedZone("X", i))
	}
	roundTrip(t, "most zones", setOf(many[1:]...))
	at := time.Unix(1.7e9, 0)
	for name, set := range map[string]*Set{
		"unknown":    setOf(at.In(fake("Nowhere/Land"))),
		"other data": setOf(at.In(fake("Europe/Berlin"))),
		"as local":   setOf(at.In(fake("Local"))),
		"as UTC":     setOf(at.In(fake("UTC"))),
		"nameless":   setOf(at.In(fake(""))),
		"empty":      setOf(at.In(new(time.Location))),
		"long name":  setOf(at.In(time.FixedZone(strings.Repeat("z", maxZoneBytes+1), 0))),
		"many":       setOf(many...),
		"second":     setOf(at.UTC(), at.In(fake("Nowhere/Land"))),
	} {
		if p, err := set.AppendBinary(nil); !errors.Is(err, ErrNotPortable) || p != nil {
			t.Errorf("%s: %x, error %v", name, p, err)
		}
	}
}

func TestCodecZoneUnknownHere(t *testing.T) {
	at := time.Unix(1.7e9, 0)
	p := encoded(t, setOf(at.In(load(t, "Europe/Berlin"))))
	for was, is := range map[string]string{
		"Europe/Berlin": "Europe/Bonnnn",
		"CET":           "MEZ",         // has another abbreviation here
		"CET\xa0\x38":   "CET\xa2\x38", // is another hour here
	} {
		q := resum(bytes.Replace(p, []byte(was), []byte(is), 1))
		if got, err := Decode(q, Limits{}, nil); !errors.Is(err, ErrZone) || got != nil {
			t.Errorf("%s for %s: %v, error %v", is, was, got, err)
		}
	}
	// time.LoadLocation gives these another meaning, or none.
	for _, place := range []string{"", "UTC", "Local", "../zoneinfo/UTC", "/etc/localtime", "Europe", "\x00"} {
		zone := fmt.Sprintf("%c%c%s\x03CET\x00", zoneNamed, len(place), place)
		q := payload(1, 1, "\x00\x00\x01\x00"+"\x41"+"\x01"+zone+"\x00\x00", "", "")
		if got, err := Decode(q, Limits{}, nil); !errors.Is(err, ErrZone) || got != nil {
			t.Errorf("%q: %v, error %v", place, got, err)
		}
	}
}
