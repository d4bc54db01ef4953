package resultset

import (
	"bytes"
	"database/sql/driver"
	"math"
	"slices"
	"time"
)

// Equal reports whether o has the same columns and the same rows in the same
// order, scanned by themselves or not: values of the same Go types that no caller could tell apart. A nil
// []byte differs from an empty one, -0 from 0; NaN equals NaN; times are equal
// if they are the same instant in a zone of the same name and offset.
func (s *Set) Equal(o *Set) bool {
	return s == o || s.rows == o.rows && (s.scans == nil) == (o.scans == nil) &&
		slices.Equal(s.columns, o.columns) &&
		slices.EqualFunc(s.values, o.values, sameValue)
}

func sameValue(a, b driver.Value) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && (a == nil) == (b == nil) && bytes.Equal(a, b)
	case float64:
		b, ok := b.(float64)
		return ok && sameFloat(a, b)
	case float32:
		b, ok := b.(float32)
		return ok && sameFloat(float64(a), float64(b))
	case time.Time:
		b, ok := b.(time.Time)
		return ok && sameTime(a, b)
	}
	return a == b
}

func sameFloat(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) ||
		math.IsNaN(a) && math.IsNaN(b)
}

func sameTime(a, b time.Time) bool {
	aName, aOffset := a.Zone()
	bName, bOffset := b.Zone()
	return a.Equal(b) && a.Location().String() == b.Location().String() &&
		aName == bName && aOffset == bOffset
}
