//go:build go1.27

package postgres

import (
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"reflect"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"
)

// A column is what pgx scans its values by.
type column struct {
	oid    uint32
	format int16
}

// scan follows ScanColumn of pgx (stdlib/sql_go1.27.go): what database/sql can
// handle gets the value, everything else what the server sent. Of that only the
// value is left, but what pgx makes of most types says it word for word.
func (c column) scan(ctx driver.ScanContext, value driver.Value, dest any) error {
	if dest == nil {
		return errors.New("destination not a pointer")
	}
	rv := reflect.ValueOf(dest)
	if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return errors.New("destination pointer is nil")
	}
	if forSQL(rv.Type()) {
		return sql.ConvertAssign(ctx, dest, value)
	}
	m := typeMaps.Get().(*pgtype.Map)
	src, err := c.encode(m, value)
	if err == nil {
		err = m.Scan(c.oid, c.format, src, dest)
	}
	typeMaps.Put(m) // not if a method of dest panics
	return err
}

// typeMaps are type maps as pgx makes them; a map has one user at a time.
var typeMaps = sync.Pool{New: func() any { return pgtype.NewMap() }}

// encode returns what the server sent for a value; nil is NULL. Only of a
// timestamptz that came as text is it another one of the same instant: the zone
// that the session had is not in the value.
func (c column) encode(m *pgtype.Map, value driver.Value) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		if c.format == pgtype.BinaryFormatCode {
			return c.infinity(m, v)
		}
		return []byte(v), nil
	case float64:
		if c.format == pgtype.TextFormatCode {
			bits := 64
			if c.oid == pgtype.Float4OID {
				bits = 32
			}
			return appendFloat(nil, v, bits), nil
		}
	case []byte:
		if c.oid == pgtype.ByteaOID && c.format == pgtype.TextFormatCode {
			return hex.AppendEncode([]byte(`\x`), v), nil
		}
		return v, nil
	}
	return m.Encode(c.oid, c.format, value, nil)
}

// infinity returns the binary format of the infinite dates and times, which
// are the only ones that pgx makes strings of.
func (c column) infinity(m *pgtype.Map, s string) ([]byte, error) {
	var v sql.Scanner
	switch c.oid {
	case pgtype.DateOID:
		v = new(pgtype.Date)
	case pgtype.TimestampOID:
		v = new(pgtype.Timestamp)
	default:
		v = new(pgtype.Timestamptz)
	}
	if err := v.Scan(s); err != nil {
		return nil, err
	}
	return m.Encode(c.oid, c.format, v, nil)
}
