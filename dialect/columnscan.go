package dialect

import "database/sql/driver"

// A ColumnScanner is a Dialect of a driver whose rows scan by themselves: those
// that implement driver.RowsColumnScanner, which database/sql uses from Go 1.27
// on, may know destinations that database/sql does not, and read them from what
// the server sent. An answer of such rows is cached only if the dialect can do
// with a recorded value what the driver would have done.
type ColumnScanner interface {
	// ColumnScans returns how each column of an answer is scanned, given the
	// name of its type as driver.RowsColumnTypeDatabaseTypeName has it, or
	// nil if it does not know that of all of them. The answer is one that
	// conn gives to a query with args. It is called with conn in hand while
	// the rows are open, so it must not use it for another query. The result
	// belongs to the caller; its functions may be shared.
	ColumnScans(conn driver.Conn, args []driver.NamedValue, types []string) []ColumnScan
}
