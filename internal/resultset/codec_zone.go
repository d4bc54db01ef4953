package resultset

import (
	"encoding/binary"
	"errors"
	"time"
)

// How a zone comes to its time.Location. The numbers are part of the format.
const (
	zoneLocal = iota // time.Local of whoever reads
	zoneFixed        // time.FixedZone
	zoneNamed        // time.LoadLocation
	afterZones
)

// A zone is where times are, and how it calls itself and what its offset is
// then: a location with a summer time is two zones. The reader compares, so
// that no time changes its face because one machine has other zone data or,
// above all, another time.Local than the other. UTC is no zone but 0.
type zone struct {
	form   byte
	place  string // name of the location; "" if local
	name   string // abbreviation; that of a fixed zone is its place
	offset int    // seconds east of UTC
}

const (
	maxZones     = 255 // of a Set
	maxZoneBytes = 255 // of a place or a name
)

var (
	errZones    = errors.New("too many time zones")
	errZoneName = errors.New("a time zone of unusual name")
	errZoneData = errors.New("a time zone that package time does not have")
)

// lastZone saves finding the zone of a time that is where the last one was.
type lastZone struct {
	loc    *time.Location
	name   string
	offset int
	number int
}

// zone returns the number of t's zone, 0 for UTC.
func (e *encoder) zone(t time.Time) (int, error) {
	loc := t.Location()
	if loc == time.UTC {
		return 0, nil
	}
	name, offset := t.Zone()
	if l := &e.last; loc == l.loc && offset == l.offset && name == l.name {
		return l.number, nil
	}
	z, err := zoneOf(t)
	if err != nil {
		return 0, err
	}
	n := 0
	for n < len(e.zones) && e.zones[n] != z {
		n++
	}
	if n == len(e.zones) {
		if n == maxZones {
			return 0, errZones
		}
		e.zones = append(e.zones, z)
	}
	e.last = lastZone{loc, name, offset, n + 1}
	return n + 1, nil
}

// zoneOf returns the zone of a time that is not UTC.
func zoneOf(t time.Time) (zone, error) {
	loc := t.Location()
	z := zone{form: zoneNamed, place: loc.String()}
	z.name, z.offset = t.Zone()
	if loc == time.Local {
		z.form, z.place = zoneLocal, ""
	} else if from, to := t.ZoneBounds(); z.place == z.name && from.IsZero() && to.IsZero() {
		// Whatever it was made of, it behaves like this one everywhere.
		z.form = zoneFixed
	}
	if len(z.place) > maxZoneBytes || len(z.name) > maxZoneBytes {
		return z, errZoneName
	}
	if z.form == zoneNamed {
		here, err := locate(z.place)
		if err != nil {
			return z, errZoneData
		}
		if name, offset := t.In(here).Zone(); name != z.name || offset != z.offset {
			return z, errZoneData
		}
	}
	return z, nil
}

// useZone adds the number of a zone to the head, and the zone itself if that
// does not have it yet. Since zones are numbered as they are met, that is the
// case for the one after the last.
func (e *encoder) useZone(n int) {
	e.size(n)
	if n <= e.known {
		return
	}
	e.known = n
	z := &e.zones[n-1]
	e.head = append(e.head, z.form)
	if z.form != zoneLocal {
		e.inline(z.place)
	}
	if z.form != zoneFixed {
		e.inline(z.name)
	}
	e.head = binary.AppendVarint(e.head, int64(z.offset))
}

func (e *encoder) inline(s string) {
	e.size(len(s))
	e.head = append(e.head, s...)
}
