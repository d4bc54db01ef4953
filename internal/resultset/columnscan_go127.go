//go:build go1.27

package resultset

import (
	"database/sql/driver"
	"errors"
)

// ColumnScan scans a value of one column into dest as ScanColumn of the live
// rows would have done. The value is what that gives to a sql.Scanner. It is
// safe for concurrent use.
type ColumnScan = func(ctx driver.ScanContext, value driver.Value, dest any) error

// reader returns what reads the next row of live; false if its rows scan by
// themselves and it is not known how.
func (r *Recording) reader(scans func(types []string) []ColumnScan) (read func([]driver.Value) error, ok bool) {
	live, ok := r.live.(driver.RowsColumnScanner)
	if !ok {
		return r.live.Next, true
	}
	if scans == nil {
		return nil, false
	}
	types := make([]string, len(r.set.columns))
	for i, c := range r.set.columns {
		types[i] = c.DatabaseType
	}
	known := scans(types)
	if known == nil {
		return nil, false
	}
	r.set.scanWith(known)
	value := new(held)
	return func(row []driver.Value) error {
		if err := live.NextRow(); err != nil {
			return err
		}
		for i := range row {
			if err := live.ScanColumn(driver.ScanContext{}, i, value); err != nil {
				// Another destination may be able to take the value.
				r.pending = true
				return err
			}
			row[i] = value.Value
		}
		return nil
	}, true
}

// held is a sql.Scanner that takes the driver's own value.
type held struct{ driver.Value }

var errCustomType = errors.New("resultset: a value of a driver's own type")

// Scan implements sql.Scanner.
func (h *held) Scan(v any) error {
	if _, plain := boxBytes(v); !plain {
		return errCustomType
	}
	h.Value = v
	return nil
}
