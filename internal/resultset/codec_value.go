package resultset

import (
	"database/sql/driver"
	"math"
)

// fill reads a column's runs. Each puts at most as many values as rows are
// left, bad or not.
func (d *decoder) fill(column, rows int) {
	d.place, d.prev = column, 0
	for rows > 0 && !d.bad {
		k, n := d.run(rows)
		rows -= n
		switch k {
		case kindNil:
			d.place += n * d.width
		case kindFalse:
			d.repeat(n, false)
		case kindTrue:
			d.repeat(n, true)
		case kindNilBytes:
			d.repeat(n, []byte(nil))
		case kindInt64:
			d.int64s(n)
		case kindFloat64:
			d.float64s(n)
		case kindString:
			d.strings(n)
		case kindBytes:
			d.blobs(n)
		case kindTime:
			d.times(n)
		case kindInt:
			readNumbers[int](d, n, 8)
		case kindInt8:
			readNumbers[int8](d, n, 0)
		case kindInt16:
			readNumbers[int16](d, n, 2)
		case kindInt32:
			readNumbers[int32](d, n, 4)
		case kindUint:
			readNumbers[uint](d, n, 8)
		case kindUint8:
			readNumbers[uint8](d, n, 0)
		case kindUint16:
			readNumbers[uint16](d, n, 2)
		case kindUint32:
			readNumbers[uint32](d, n, 4)
		case kindUint64:
			readNumbers[uint64](d, n, 8)
		case kindFloat32:
			for range n {
				d.weighed(math.Float32frombits(d.uint32()))
			}
		default:
			d.fail()
		}
	}
}

// run reads the kind and the length of a run of at most the given number of
// values.
func (d *decoder) run(most int) (k kind, n int) {
	b := d.byte()
	k, n = kind(b>>kindShift), int(b&shortRun)
	switch {
	case n > 0:
	case k.bare():
		n = bareRun
	default:
		rest := d.uvarint()
		if rest > uint64(most) {
			d.fail()
			return k, 0
		}
		n = shortRun + 1 + int(rest)
	}
	if n > most {
		d.fail()
		return k, 0
	}
	return k, n
}

// put sets the next value of the column.
func (d *decoder) put(v driver.Value) {
	d.values[d.place] = v
	d.place += d.width
}

// weighed is put for those whose weight is not known beforehand.
func (d *decoder) weighed(v driver.Value) {
	n, _ := boxBytes(v)
	d.held += n
	d.put(v)
}

func (d *decoder) repeat(n int, v driver.Value) {
	for range n {
		d.put(v)
	}
}

// readNumbers reads whole numbers, whose boxes are of the given size.
func readNumbers[T int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64](d *decoder, n, size int) {
	for range n {
		d.prev += d.varint()
		v := T(d.prev)
		if int64(v) != d.prev {
			d.fail()
		}
		d.held += numberBytes(uint64(v), size)
		d.put(v)
	}
}

// textBytes is what boxBytes says of strings, by length. Looking for the class
// of each would be a tenth of the time of decoding.
var textBytes = func() (t [maxBoxed]uint16) {
	text := string(make([]byte, len(t)))
	for n := range t {
		size, _ := boxBytes(text[:n])
		t[n] = uint16(size)
	}
	return t
}()

// The following read the kinds whose values lie in arrays. Each value takes a
// byte of the head or more, so no more places are made than may be needed.

func (d *decoder) int64s(n int) {
	for n > 0 && !d.bad {
		places := d.boxes.int64s.places(min(n, d.left()))
		used := 0
		for ; n > 0 && used < len(places); n-- {
			d.prev += d.varint()
			if v := d.prev; uint64(v) < staticInts {
				d.put(v)
			} else {
				places[used] = v
				put(d, int64Word, &places[used])
				used++
			}
		}
		d.held += used * 8
		d.boxes.int64s.take(used)
	}
}

func (d *decoder) float64s(n int) {
	for n > 0 && !d.bad {
		places := d.boxes.float64s.places(min(n, d.left()/8))
		used := 0
		for ; n > 0 && used < len(places); n-- {
			v := d.uint64()
			if v < staticInts {
				d.put(math.Float64frombits(v))
			} else {
				places[used] = math.Float64frombits(v)
				put(d, float64Word, &places[used])
				used++
			}
		}
		d.held += used * 8
		d.boxes.float64s.take(used)
	}
}

func (d *decoder) strings(n int) {
	for n > 0 && !d.bad {
		places := d.boxes.strings.places(min(n, d.left()))
		used := 0
		for ; n > 0 && used < len(places); n-- {
			s, ok := d.text.next(d.uvarint())
			switch {
			case !ok:
				d.fail()
				return
			case s == "":
				d.put("")
			case len(s) < len(textBytes):
				d.held += int(textBytes[len(s)])
				places[used] = s
				put(d, stringWord, &places[used])
				used++
			default:
				d.weighed(s)
			}
		}
		d.boxes.strings.take(used)
	}
}

func (d *decoder) blobs(n int) {
	d.held += n * sliceBytes
	for n > 0 && !d.bad {
		places := d.boxes.blobs.places(min(n, d.left()))
		for i := range places {
			places[i] = d.ownBytes()
			put(d, bytesWord, &places[i])
		}
		d.boxes.blobs.take(len(places))
		n -= len(places)
	}
}

func (d *decoder) string() string {
	s, ok := d.text.next(d.uvarint())
	if !ok {
		d.fail()
	}
	return s
}

// ownBytes returns the next []byte, which ends where the next one begins.
func (d *decoder) ownBytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.blob)) {
		d.fail()
		return nil
	}
	b := d.blob[:n:n]
	d.blob = d.blob[n:]
	return b
}

// refuse makes the reader bad for a reason of its own.
func (d *decoder) refuse(err error) {
	if d.err == nil {
		d.err = err
	}
	d.fail()
}
