//go:build !go1.27

package dialect

import "database/sql/driver"

// A ColumnScan is of use with Go 1.27 and later only: before, database/sql
// lets no driver scan.
type ColumnScan = func(value driver.Value, dest any) error
