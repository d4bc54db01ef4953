package resultset

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// A column's values are runs of one kind, and of one time zone: a byte of kind
// and length, and then what there is to say of each value. A column of one kind
// costs two or three bytes for its types, and one that changes with every row
// a byte a row, which is what a type for each value would cost always. (Two
// columns of 1,000 rows, one all NULL and the other every second: 619 bytes.)
//
// Whole numbers, and the seconds of times, are differences from the one before
// in their column: keys and times of neighbouring rows are close together, and
// take 0.6 of the bytes on the sets of codec_bench_test.go.

const (
	kindShift = 3                // of the kind in the first byte of a run
	shortRun  = 1<<kindShift - 1 // longest run of one byte of kind and length
	// bareRun is the longest run of a kind that says all: a byte of input
	// makes no more values than that.
	bareRun = 1 << kindShift
)

var errCustomKind = errors.New("a value of a driver's own type")

// values adds the column at the given place to the head, text and blob.
func (e *encoder) values(s *Set, column int) error {
	values, width := s.values, len(s.columns)
	for i := column; i < len(values); {
		k, zone, err := e.sort(values[i])
		n, end := 1, i+width
		for ; err == nil && end < len(values); n, end = n+1, end+width {
			var next kind
			var there int
			if next, there, err = e.sort(values[end]); next != k || there != zone {
				break
			}
		}
		if err != nil {
			return err
		}
		e.run(k, n)
		if k == kindTime {
			e.useZone(zone)
		}
		for ; i < end && !k.bare(); i += width {
			e.value(values[i])
		}
		i = end
	}
	return nil
}

// sort returns the kind of v, and the number of its zone if it is a time.
func (e *encoder) sort(v driver.Value) (k kind, zone int, err error) {
	switch k = kindOf(v); k {
	case afterKinds:
		err = errCustomKind
	case kindTime:
		zone, err = e.zone(v.(time.Time))
	}
	return k, zone, err
}

// run adds what comes before the values of a run, or runs, to the head.
func (e *encoder) run(k kind, n int) {
	if k.bare() {
		for ; n > bareRun; n -= bareRun {
			e.head = append(e.head, byte(k)<<kindShift)
		}
		e.head = append(e.head, byte(k)<<kindShift|byte(n%bareRun))
		return
	}
	if n <= shortRun {
		e.head = append(e.head, byte(k)<<kindShift|byte(n))
		return
	}
	e.head = append(e.head, byte(k)<<kindShift)
	e.size(n - shortRun - 1)
}

// value adds a value whose kind is known and not bare.
func (e *encoder) value(v driver.Value) {
	switch v := v.(type) {
	case string:
		e.string(v)
	case []byte:
		e.size(len(v))
		e.blob = append(e.blob, v...)
	case time.Time:
		e.number(v.Unix())
		e.nanoseconds(v.Nanosecond())
	case float64:
		e.head = binary.LittleEndian.AppendUint64(e.head, math.Float64bits(v))
	case float32:
		e.head = binary.LittleEndian.AppendUint32(e.head, math.Float32bits(v))
	case int64:
		e.number(v)
	case int:
		e.number(int64(v))
	case int8:
		e.number(int64(v))
	case int16:
		e.number(int64(v))
	case int32:
		e.number(int64(v))
	case uint:
		e.number(int64(v))
	case uint8:
		e.number(int64(v))
	case uint16:
		e.number(int64(v))
	case uint32:
		e.number(int64(v))
	case uint64:
		e.number(int64(v)) // wraps around, and back when it is read
	}
}

func (e *encoder) size(n int) { e.head = binary.AppendUvarint(e.head, uint64(n)) }

func (e *encoder) number(v int64) {
	e.head = binary.AppendVarint(e.head, v-e.prev) // may wrap around as well
	e.prev = v
}

// nanoseconds adds whole microseconds, which is what databases have, as 2µs and
// others as 2ns+1: three bytes instead of five.
func (e *encoder) nanoseconds(ns int) {
	if ns%1000 == 0 {
		e.size(ns / 1000 * 2)
	} else {
		e.size(ns*2 + 1)
	}
}
