//go:build go1.27

package postgres

import (
	"database/sql"
	"reflect"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"
)

var (
	scannerType      = reflect.TypeFor[sql.Scanner]()
	arraySetterType  = reflect.TypeFor[pgtype.ArraySetter]()
	bytesScannerType = reflect.TypeFor[pgtype.BytesScanner]()
)

// forSQL reports whether pgx leaves destinations of a type to database/sql:
// the rules are those of isSQLScanDestination in its stdlib/sql_go1.27.go.
func forSQL(t reflect.Type) bool {
	if known, ok := destinations.Load(t); ok {
		return known.(bool)
	}
	is := leftToSQL(t)
	destinations.Store(t, is)
	return is
}

// destinations remembers the answers of leftToSQL.
var destinations sync.Map // of bool by reflect.Type

func leftToSQL(t reflect.Type) bool {
	seen := make(map[reflect.Type]bool) // a named pointer may point to itself
	for ; ; t = t.Elem() {
		switch {
		case t.Implements(scannerType):
			return true
		case t.Implements(arraySetterType), t.Implements(bytesScannerType), seen[t]:
			return false
		}
		if t.Kind() != reflect.Pointer {
			break
		}
		seen[t] = true
	}
	switch t.Kind() {
	case reflect.Slice:
		return t.Elem().Kind() == reflect.Uint8
	case reflect.Struct:
		return t.ConvertibleTo(timeType)
	case reflect.String, reflect.Interface, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}
