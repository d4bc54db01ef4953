package resultset

import (
	"database/sql/driver"
	"time"
)

// kind is what a value is, as far as the binary form is concerned. The numbers
// are part of the format.
type kind byte

const (
	// Of these the kind says all.
	kindNil kind = iota
	kindFalse
	kindTrue
	kindNilBytes
	// These have more in the head.
	kindInt64
	kindFloat64
	kindString
	kindBytes // not nil
	kindTime
	kindInt
	kindInt8
	kindInt16
	kindInt32
	kindUint
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat32
	afterKinds
)

// bare reports whether there is nothing to say of a value but its kind.
func (k kind) bare() bool { return k < kindInt64 }

// kindOf returns the kind of a value that boxBytes calls plain, and afterKinds
// of any other.
func kindOf(v driver.Value) kind {
	switch v := v.(type) {
	case nil:
		return kindNil
	case bool:
		if v {
			return kindTrue
		}
		return kindFalse
	case int64:
		return kindInt64
	case float64:
		return kindFloat64
	case string:
		return kindString
	case []byte:
		if v == nil {
			return kindNilBytes
		}
		return kindBytes
	case time.Time:
		return kindTime
	case int:
		return kindInt
	case int8:
		return kindInt8
	case int16:
		return kindInt16
	case int32:
		return kindInt32
	case uint:
		return kindUint
	case uint8:
		return kindUint8
	case uint16:
		return kindUint16
	case uint32:
		return kindUint32
	case uint64:
		return kindUint64
	case float32:
		return kindFloat32
	}
	return afterKinds
}
