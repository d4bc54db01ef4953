package postgres

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// AppendArg implements [dialect.Dialect] for pgx's options and types, and for
// types of the standard library that pgx knows. An encoding begins with the
// type and says the lengths of its parts.
func (postgres) AppendArg(dst []byte, value any) ([]byte, bool) {
	v := reflect.ValueOf(value)
	t := v.Type()
	if t.Kind() == reflect.Pointer && !v.IsNil() {
		if known(t.Elem()) {
			return appendValue(append(dst, '*'), v.Elem(), maxDepth)
		}
		return dst, false
	}
	if !known(t) {
		return dst, false
	}
	return appendValue(dst, v, maxDepth)
}

// maxDepth bounds how deep values nest.
const maxDepth = 8

var (
	bigInt   = reflect.TypeFor[big.Int]()
	ipNet    = reflect.TypeFor[net.IPNet]()
	addr     = reflect.TypeFor[netip.Addr]()
	timeType = reflect.TypeFor[time.Time]()
	prefix   = reflect.TypeFor[netip.Prefix]()
	plain    = map[reflect.Type]bool{
		reflect.TypeFor[pgx.QueryExecMode]():           true,
		reflect.TypeFor[pgx.QueryResultFormats]():      true,
		reflect.TypeFor[pgx.QueryResultFormatsByOID](): true,
		reflect.TypeFor[pgx.NamedArgs]():               true,
		reflect.TypeFor[pgx.StrictNamedArgs]():         true,
		reflect.TypeFor[time.Duration]():               true,
		reflect.TypeFor[json.RawMessage]():             true,
		reflect.TypeFor[net.IP]():                      true,
		reflect.TypeFor[net.HardwareAddr]():            true,
		reflect.TypeFor[net.IPMask]():                  true,
	}
)

// known reports whether all that pgx can see of a type's values is in their
// kinds and exported fields.
func known(t reflect.Type) bool {
	switch {
	case plain[t], t == addr, t == prefix, t == ipNet, t == bigInt, t == reflect.PointerTo(bigInt):
		return true
	case t.PkgPath() == "github.com/jackc/pgx/v5/pgtype":
		return true
	case t.PkgPath() != "":
		return false
	}
	switch t.Kind() {
	case reflect.Array:
		return t.Elem().Kind() == reflect.Uint8 && t.Elem().PkgPath() == ""
	case reflect.Slice:
		return known(t.Elem())
	case reflect.Map: // hstore and jsonb
		return t.Key().Kind() == reflect.String && t.Key().PkgPath() == ""
	}
	return false
}

// appendValue encodes a value by its type and contents. It reports false where
// there is something that it cannot see.
func appendValue(dst []byte, v reflect.Value, depth int) ([]byte, bool) {
	if depth == 0 {
		return dst, false
	}
	if !v.IsValid() {
		return append(dst, 'n'), true
	}
	t := v.Type()
	if !known(t) && t.NumMethod()+reflect.PointerTo(t).NumMethod() > 0 && t != timeType {
		return dst, false // what its methods say is not known
	}
	dst = appendString(appendString(append(dst, 't'), t.PkgPath()), t.String())
	switch t {
	case addr, prefix:
		return appendString(dst, v.Interface().(interface{ String() string }).String()), true
	case bigInt:
		n := v.Interface().(big.Int)
		return appendString(dst, n.String()), true
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(dst, 1), true
		}
		return append(dst, 0), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(dst, v.Int()), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(dst, v.Uint()), true
	case reflect.Float32, reflect.Float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v.Float())), true
	case reflect.String:
		return appendString(dst, v.String()), true
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(dst, 0), true
		}
		return appendValue(append(dst, 1), v.Elem(), depth-1)
	case reflect.Struct:
		return appendStruct(dst, v, depth)
	case reflect.Slice, reflect.Array:
		return appendList(dst, v, depth)
	case reflect.Map:
		return appendMap(dst, v, depth)
	}
	return dst, false
}

func appendStruct(dst []byte, v reflect.Value, depth int) (_ []byte, ok bool) {
	if t, isTime := timeOf(v); isTime {
		return appendTime(dst, t), true
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			return dst, false
		}
		if dst, ok = appendValue(dst, v.Field(i), depth-1); !ok {
			return dst, false
		}
	}
	return dst, true
}

func appendList(dst []byte, v reflect.Value, depth int) (_ []byte, ok bool) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(dst, 0), true
	}
	dst = binary.AppendUvarint(append(dst, 1), uint64(v.Len()))
	if v.Type().Elem().Kind() == reflect.Uint8 {
		for i := range v.Len() {
			dst = append(dst, byte(v.Index(i).Uint()))
		}
		return dst, true
	}
	for i := range v.Len() {
		if dst, ok = appendValue(dst, v.Index(i), depth-1); !ok {
			return dst, false
		}
	}
	return dst, true
}

func appendMap(dst []byte, v reflect.Value, depth int) (_ []byte, ok bool) {
	if v.IsNil() {
		return append(dst, 0), true
	}
	entries := make(map[string]reflect.Value, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, ok := appendValue(nil, it.Key(), depth-1)
		if !ok {
			return dst, false
		}
		entries[string(key)] = it.Value()
	}
	dst = binary.AppendUvarint(append(dst, 1), uint64(len(entries)))
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		dst = appendString(dst, key)
		if dst, ok = appendValue(dst, entries[key], depth-1); !ok {
			return dst, false
		}
	}
	return dst, true
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
