package pgsql

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"time"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.ArgJudge = Dialect{}

// RefuseArgs implements [dialect.ArgJudge]: the server reads 'now', 'today',
// 'tomorrow' and 'yesterday' as times, whatever the text around the argument is.
func (Dialect) RefuseArgs(args []driver.NamedValue) dialect.Reason {
	for i := range args {
		if argSaysNow(args[i].Value) {
			return dialect.ReasonClock
		}
	}
	return ""
}

func argSaysNow(v any) bool {
	switch v := v.(type) {
	case nil, int64, int, int32, float64, bool:
	case string:
		return SaysNow(v)
	case []byte:
		return SaysNow(v)
	case *string:
		return v != nil && SaysNow(*v)
	case sql.NullString:
		return v.Valid && SaysNow(v.String)
	case []string:
		for _, s := range v {
			if SaysNow(s) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if argSaysNow(e) {
				return true
			}
		}
	case time.Time:
	default:
		return holdsNow(reflect.ValueOf(v), maxDepth)
	}
	return false
}

// maxDepth bounds how deep values nest that are looked into.
const maxDepth = 8

// holdsNow looks into values of other types, whoever's they are: those of
// drivers and those of named types, arguments by name among them. Plain maps are
// documents, whose values are no times.
func holdsNow(v reflect.Value, depth int) bool {
	if depth == 0 {
		return true
	}
	switch v.Kind() {
	case reflect.String:
		return SaysNow(v.String())
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && holdsNow(v.Elem(), depth-1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return false
		}
		for i := range v.NumField() {
			if holdsNow(v.Field(i), depth-1) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k == reflect.Uint8 && v.Kind() == reflect.Slice {
			return SaysNow(v.Bytes())
		} else if k <= reflect.Complex128 {
			return false // numbers
		}
		for i := range v.Len() {
			if holdsNow(v.Index(i), depth-1) {
				return true
			}
		}
	case reflect.Map:
		if v.Type().PkgPath() == "" {
			return false
		}
		for it := v.MapRange(); it.Next(); {
			if holdsNow(it.Value(), depth-1) {
				return true
			}
		}
	}
	return false
}
