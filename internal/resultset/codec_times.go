package resultset

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// zoneHere is a zone with this machine's location for it. The zero value is
// UTC.
type zoneHere struct {
	loc      *time.Location
	name     string
	offset   int
	varies   bool  // loc has other names and offsets at other times
	from, to int64 // when it is known to have these, in seconds since 1970
}

// in returns t in the zone, which is not UTC; false if loc is in another one
// then.
func (z *zoneHere) in(t time.Time) (time.Time, bool) {
	t = t.In(z.loc)
	if at := t.Unix(); !z.varies || z.from <= at && at < z.to {
		return t, true
	}
	name, offset := t.Zone()
	if name != z.name || offset != z.offset {
		return t, false
	}
	z.from, z.to = math.MinInt64, math.MaxInt64
	from, to := t.ZoneBounds()
	if !from.IsZero() {
		z.from = from.Unix()
	}
	if !to.IsZero() {
		z.to = to.Unix()
	}
	return t, true
}

// times reads a run of times in one zone.
func (d *decoder) times(n int) {
	zone := d.zone()
	d.held += n * timeBytes
	for n > 0 && !d.bad {
		places := d.boxes.times.places(min(n, d.left()/2)) // of two numbers each
		for i := range places {
			seconds, ns := d.varints()
			d.prev += seconds
			if ns >= 2*uint64(time.Second) || d.bad {
				d.fail()
				return
			}
			if ns&1 == 0 {
				ns *= 1000
			}
			if ns /= 2; ns >= uint64(time.Second) {
				d.fail()
				return
			}
			t := time.Unix(d.prev, int64(ns))
			if zone.loc == nil {
				places[i] = t.UTC()
			} else if there, ok := zone.in(t); ok {
				places[i] = there
			} else {
				d.refuse(ErrZone)
				return
			}
			put(d, timeWord, &places[i])
		}
		d.boxes.times.take(len(places))
		n -= len(places)
	}
}

// varints reads a varint and a uvarint.
func (d *decoder) varints() (int64, uint64) {
	if d.left() >= 2*9 {
		rest := d.data[d.at:]
		v, n := sevens(binary.LittleEndian.Uint64(rest))
		w, m := sevens(binary.LittleEndian.Uint64(rest[n:]))
		if n <= 8 && m <= 8 {
			d.at += n + m
			return int64(v>>1) ^ -int64(v&1), w
		}
	}
	return d.varint(), d.uvarint()
}

// zone reads what useZone has written.
func (d *decoder) zone() *zoneHere {
	n := d.uvarint()
	if n == 0 {
		return new(zoneHere)
	}
	if n > maxZones || n > uint64(len(d.zones))+1 {
		d.fail()
		return new(zoneHere)
	}
	if n > uint64(len(d.zones)) {
		d.zones = append(d.zones, d.newZone())
	}
	return &d.zones[n-1]
}

func (d *decoder) newZone() (z zoneHere) {
	form := d.byte()
	place := ""
	if form != zoneLocal {
		place = d.inline()
	}
	if form != zoneFixed {
		z.name = d.inline()
		z.varies = true
	}
	offset := d.varint()
	z.offset = int(offset)
	if d.bad || int64(z.offset) != offset {
		d.fail()
		return z
	}
	switch form {
	case zoneLocal:
		z.loc = time.Local
	case zoneFixed:
		z.loc = fixed(place, z.offset)
	case zoneNamed:
		var err error
		if z.loc, err = locate(place); err != nil {
			d.refuse(fmt.Errorf("%w: %q", ErrZone, place))
		}
	default:
		d.fail()
	}
	return z
}

func (d *decoder) inline() string {
	n := d.uvarint()
	if n > maxZoneBytes {
		d.fail()
	}
	return string(d.bytes(n))
}
