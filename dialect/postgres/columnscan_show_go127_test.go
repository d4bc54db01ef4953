//go:build go1.27

package postgres_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// show renders a value with all that it points to, so that only equal ones look
// equal.
func show(v any) string { return showValue(reflect.ValueOf(v), 12) }

func showValue(v reflect.Value, depth int) string {
	if !v.IsValid() || depth == 0 {
		return "nil"
	}
	if at := reflect.TypeFor[time.Time](); v.CanConvert(at) {
		t := v.Convert(at).Interface().(time.Time)
		return fmt.Sprintf("%v %s %v", v.Type(), t.Format("2006-01-02T15:04:05.999999999 Z07:00 MST"), t.Location())
	}
	parts := []string{}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return fmt.Sprintf("%v &%s", v.Type(), showValue(v.Elem(), depth-1))
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return "nil"
		}
		for i := range v.Len() {
			parts = append(parts, showValue(v.Index(i), depth-1))
		}
	case reflect.Map:
		if v.IsNil() {
			return "nil"
		}
		elements := make(map[string]string)
		for it := v.MapRange(); it.Next(); {
			elements[showValue(it.Key(), depth-1)] = showValue(it.Value(), depth-1)
		}
		for _, key := range slices.Sorted(maps.Keys(elements)) {
			parts = append(parts, key+":"+elements[key])
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				parts = append(parts, f.Name+":"+showValue(v.Field(i), depth-1))
			} else {
				parts = append(parts, fmt.Sprintf("%s:%v", f.Name, v.Field(i)))
			}
		}
	case reflect.Func, reflect.Chan:
		return fmt.Sprint(v.IsNil())
	default:
		return fmt.Sprintf("%#v", v.Interface())
	}
	return fmt.Sprintf("%v{%s}", v.Type(), strings.Join(parts, " "))
}
