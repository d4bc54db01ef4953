//go:build !go1.27

package resultset

import "database/sql/driver"

// ColumnScan is never called: before Go 1.27 no rows scan by themselves.
type ColumnScan = func(value driver.Value, dest any) error

func (r *Recording) reader(func(types []string) []ColumnScan) (read func([]driver.Value) error, ok bool) {
	return r.live.Next, true
}

func (t *tail) rows() driver.Rows { return t }

func (f *failed) rows(*scanning) driver.Rows { return f }
