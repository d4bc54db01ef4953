//go:build go1.27

package dialect

import "database/sql/driver"

// A ColumnScan scans a value of one column into dest with the result, and the
// error, that the driver's own ScanColumn would have had. The value is what
// that gives to a sql.Scanner: a plain type of package driver, its []byte valid
// and unchanged until the next row. It is safe for concurrent use.
type ColumnScan = func(ctx driver.ScanContext, value driver.Value, dest any) error
