package sqlite

import (
	"reflect"
	"sync"

	"github.com/sqlc-dev/meyer/ast"
)

// fields visits the fields of a struct that can hold nodes.
func (w *walker) fields(v reflect.Value, sc *scope) {
	for _, i := range nodeFields(v.Type()) {
		w.value(v.Field(i), sc)
	}
}

func (w *walker) value(v reflect.Value, sc *scope) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Interface {
			w.value(v.Elem(), sc)
			return
		}
		w.node(v.Interface(), sc)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			w.value(v.Index(i), sc)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			w.value(it.Value(), sc)
		}
	case reflect.Struct:
		w.fields(v, sc)
	}
}

// plans holds for each struct type, a reflect.Type, the []int of its fields
// that can hold nodes.
var plans sync.Map

func nodeFields(t reflect.Type) []int {
	if p, ok := plans.Load(t); ok {
		return p.([]int)
	}
	var p []int
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && canHold(f.Type, nil) {
			p = append(p, i)
		}
	}
	plans.Store(t, p)
	return p
}

// watched are the nodes that the walker looks at, whatever their fields are.
var watched = map[reflect.Type]bool{
	reflect.TypeFor[ast.QualifiedName](): true,
	reflect.TypeFor[ast.FuncCall]():      true,
	reflect.TypeFor[ast.LikeExpr]():      true,
	reflect.TypeFor[ast.BinaryExpr]():    true,
	reflect.TypeFor[ast.Literal]():       true,
}

// canHold reports whether a value of type t can be or lead to a node that
// the walker looks at. Types that are being looked at already, above, add
// nothing of their own.
func canHold(t reflect.Type, above []reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return canHold(t.Elem(), above)
	case reflect.Struct:
		if watched[t] {
			return true
		}
		for _, a := range above {
			if a == t {
				return false
			}
		}
		above = append(above, t)
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && canHold(f.Type, above) {
				return true
			}
		}
	}
	return false
}
