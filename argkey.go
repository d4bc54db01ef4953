package querycache

import (
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/querycache/querycache/dialect"
)

// Type tags of the argument encoding. Every value starts with one and is
// followed by a self-delimiting body, so that no two lists of arguments share
// an encoding.
const (
	tagNil byte = iota + 1
	tagFalse
	tagTrue
	tagInt
	tagUint
	tagFloat
	tagString
	tagBytes
	tagNilBytes
	tagTime
	tagTimeMono
	tagPointer
	tagNilPointer
	tagSlice
	tagNilSlice
	tagNamedType
	tagName
	tagValuer
	tagDialect
	tagTable
	tagHint
)

// appendArgs appends the encoding of a statement's arguments as the caller
// gave them. It reports false if one of them has no exact encoding.
func appendArgs(dst []byte, args []driver.NamedValue, d dialect.Dialect) ([]byte, bool) {
	dst = binary.AppendUvarint(dst, uint64(len(args)))
	var ok bool
	for i := range args {
		if name := args[i].Name; name != "" {
			dst = appendKeyString(append(dst, tagName), name)
		}
		if dst, ok = appendArg(dst, args[i].Value, d); !ok {
			return dst, false
		}
	}
	return dst, true
}

func appendArg(dst []byte, v any, d dialect.Dialect) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(dst, tagNil), true
	case int64:
		return appendInt(dst, reflect.Int64, v), true
	case int:
		return appendInt(dst, reflect.Int, int64(v)), true
	case string:
		return appendKeyString(append(dst, tagString), v), true
	case []byte:
		if v == nil {
			return append(dst, tagNilBytes), true
		}
		dst = binary.AppendUvarint(append(dst, tagBytes), uint64(len(v)))
		return append(dst, v...), true
	case bool:
		if v {
			return append(dst, tagTrue), true
		}
		return append(dst, tagFalse), true
	case float64:
		return appendFloat(dst, reflect.Float64, v), true
	case time.Time:
		return appendTime(dst, v), true
	case sql.Out:
		return dst, false
	case driver.Valuer:
		return appendValuer(dst, v, d)
	}
	if out, ok := d.AppendArg(append(dst, tagDialect), v); ok {
		return out, true
	}
	return appendReflected(dst, reflect.ValueOf(v), d)
}

func appendInt(dst []byte, kind reflect.Kind, n int64) []byte {
	return binary.AppendVarint(append(dst, tagInt, byte(kind)), n)
}

func appendFloat(dst []byte, kind reflect.Kind, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tagFloat, byte(kind)), math.Float64bits(f))
}

// appendTime keeps the wall clock, the zone and, if there is one, the
// monotonic reading: a driver may format it along (time.Time.String).
func appendTime(dst []byte, t time.Time) []byte {
	if t != t.Round(0) { //nolint:revive // == on purpose: Equal does not see the monotonic reading
		dst = appendKeyString(append(dst, tagTimeMono), t.String())
	}
	zone, offset := t.Zone()
	dst = binary.AppendVarint(append(dst, tagTime), t.Unix())
	dst = binary.AppendUvarint(dst, uint64(t.Nanosecond()))
	dst = binary.AppendVarint(dst, int64(offset))
	dst = appendKeyString(dst, zone)
	return appendKeyString(dst, t.Location().String())
}

// appendValuer encodes the value of types whose Value method is known to have
// no side effects and to say everything about them.
func appendValuer(dst []byte, v driver.Valuer, d dialect.Dialect) ([]byte, bool) {
	if out, ok := d.AppendArg(append(dst, tagDialect), v); ok {
		return out, true
	}
	rv := reflect.ValueOf(v)
	t := rv.Type()
	if t.Kind() == reflect.Pointer {
		if !vouched(t.Elem()) {
			return dst, false
		}
		if rv.IsNil() {
			return appendType(append(dst, tagNilPointer), t.Elem()), true
		}
		return appendArg(append(dst, tagPointer), rv.Elem().Interface(), d)
	}
	if !vouched(t) {
		return dst, false
	}
	value, err := v.Value()
	if err != nil {
		return dst, false
	}
	return appendArg(appendType(append(dst, tagValuer), t), value, d)
}

func vouched(t reflect.Type) bool {
	switch path, name := t.PkgPath(), t.Name(); path {
	case "database/sql":
		return strings.HasPrefix(name, "Null")
	case "github.com/google/uuid", "github.com/gofrs/uuid", "github.com/gofrs/uuid/v5":
		return name == "UUID" || name == "NullUUID"
	case "github.com/shopspring/decimal":
		return name == "Decimal" || name == "NullDecimal"
	case "github.com/lib/pq": // but not GenericArray, which asks its elements
		return strings.HasSuffix(name, "Array") && name != "GenericArray" || name == "NullTime"
	}
	return false
}

// appendReflected handles the other kinds that database/sql converts, named
// types of them, pointers to them and slices of them.
func appendReflected(dst []byte, v reflect.Value, d dialect.Dialect) ([]byte, bool) {
	t := v.Type()
	if t.PkgPath() != "" {
		// A driver may know more than the kind of a named type, and calls
		// its methods if it has any: what those return is not ours to know.
		if t.NumMethod() > 0 || reflect.PointerTo(t).NumMethod() > 0 {
			return dst, false
		}
		dst = appendType(append(dst, tagNamedType), t)
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(dst, tagTrue), true
		}
		return append(dst, tagFalse), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendInt(dst, v.Kind(), v.Int()), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(append(dst, tagUint, byte(v.Kind())), v.Uint()), true
	case reflect.Float32, reflect.Float64:
		return appendFloat(dst, v.Kind(), v.Float()), true
	case reflect.String:
		return appendKeyString(append(dst, tagString), v.String()), true
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer {
			return dst, false // may point to itself
		}
		if v.IsNil() {
			return appendType(append(dst, tagNilPointer), t.Elem()), true
		}
		return appendArg(append(dst, tagPointer), v.Elem().Interface(), d)
	case reflect.Slice:
		return appendSlice(dst, v, d)
	}
	return dst, false
}

func appendSlice(dst []byte, v reflect.Value, d dialect.Dialect) ([]byte, bool) {
	dst = appendType(dst, v.Type().Elem())
	if v.IsNil() {
		return append(dst, tagNilSlice), true
	}
	dst = binary.AppendUvarint(append(dst, tagSlice), uint64(v.Len()))
	var ok bool
	for i := range v.Len() {
		if dst, ok = appendArg(dst, v.Index(i).Interface(), d); !ok {
			return dst, false
		}
	}
	return dst, true
}

func appendType(dst []byte, t reflect.Type) []byte {
	return appendKeyString(appendKeyString(dst, t.PkgPath()), t.String())
}
