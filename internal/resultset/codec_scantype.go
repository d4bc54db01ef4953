package resultset

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"time"
)

// scanTypes are the scan types that have a binary form: their places here. The
// list is closed, since a type cannot be found by its name. What is added comes
// last; anything else is a new [FormatVersion].
var scanTypes = [...]reflect.Type{
	nil, // what some drivers (modernc.org/sqlite) say of NULL
	reflect.TypeFor[any](),
	reflect.TypeFor[bool](),
	reflect.TypeFor[int](),
	reflect.TypeFor[int8](),
	reflect.TypeFor[int16](),
	reflect.TypeFor[int32](),
	reflect.TypeFor[int64](),
	reflect.TypeFor[uint](),
	reflect.TypeFor[uint8](),
	reflect.TypeFor[uint16](),
	reflect.TypeFor[uint32](),
	reflect.TypeFor[uint64](),
	reflect.TypeFor[uintptr](),
	reflect.TypeFor[float32](),
	reflect.TypeFor[float64](),
	reflect.TypeFor[complex64](),
	reflect.TypeFor[complex128](),
	reflect.TypeFor[string](),
	reflect.TypeFor[[]byte](),
	reflect.TypeFor[time.Time](),
	reflect.TypeFor[driver.Value](),
	reflect.TypeFor[sql.RawBytes](),
	reflect.TypeFor[sql.NullBool](),
	reflect.TypeFor[sql.NullByte](),
	reflect.TypeFor[sql.NullFloat64](),
	reflect.TypeFor[sql.NullInt16](),
	reflect.TypeFor[sql.NullInt32](),
	reflect.TypeFor[sql.NullInt64](),
	reflect.TypeFor[sql.NullString](),
	reflect.TypeFor[sql.NullTime](),
	reflect.TypeFor[sql.Null[bool]](),
	reflect.TypeFor[sql.Null[int]](),
	reflect.TypeFor[sql.Null[int8]](),
	reflect.TypeFor[sql.Null[int16]](),
	reflect.TypeFor[sql.Null[int32]](),
	reflect.TypeFor[sql.Null[int64]](),
	reflect.TypeFor[sql.Null[uint]](),
	reflect.TypeFor[sql.Null[uint8]](),
	reflect.TypeFor[sql.Null[uint16]](),
	reflect.TypeFor[sql.Null[uint32]](),
	reflect.TypeFor[sql.Null[uint64]](),
	reflect.TypeFor[sql.Null[float32]](),
	reflect.TypeFor[sql.Null[float64]](),
	reflect.TypeFor[sql.Null[string]](),
	reflect.TypeFor[sql.Null[[]byte]](),
	reflect.TypeFor[sql.Null[time.Time]](),
}

var scanTypeNumbers = func() map[reflect.Type]byte {
	m := make(map[reflect.Type]byte, len(scanTypes))
	for i, t := range scanTypes {
		m[t] = byte(i)
	}
	return m
}()
