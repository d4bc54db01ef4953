package resultset

import (
	"database/sql/driver"
	"reflect"
)

// Column is everything database/sql can ask of a column. Where a driver does
// not answer, the fields hold what database/sql then assumes
// (rowsColumnInfoSetupConnLocked in sql.go), so that a driver that says nothing
// and a replay that says so cannot be told apart.
type Column struct {
	// Name is the name of the column; names may repeat or be empty.
	Name string
	// DatabaseType is the name of the type in the database, as
	// driver.RowsColumnTypeDatabaseTypeName has it, or "".
	DatabaseType string
	// ScanType is a Go type that the column can be scanned into. It is
	// reflect.TypeFor[any]() if the driver does not say.
	ScanType reflect.Type
	// Length is the length of a type of variable length, if HasLength.
	Length    int64
	HasLength bool
	// Nullable says whether the column may be NULL, if HasNullable.
	Nullable, HasNullable bool
	// Precision and Scale are those of a decimal type, if
	// HasPrecisionScale.
	Precision, Scale  int64
	HasPrecisionScale bool
}

// describe asks rows for the metadata of its current result set. It must run
// before the first Next and before Close: some drivers (modernc.org/sqlite)
// answer for the row they stand on, and none needs to answer once closed.
func describe(rows driver.Rows) []Column {
	names := rows.Columns()
	columns := make([]Column, len(names))
	for i, name := range names {
		c := Column{
			Name:         name,
			DatabaseType: databaseType(rows, i),
			ScanType:     scanType(rows, i),
		}
		c.Length, c.HasLength = length(rows, i)
		c.Nullable, c.HasNullable = nullable(rows, i)
		c.Precision, c.Scale, c.HasPrecisionScale = precisionScale(rows, i)
		columns[i] = c
	}
	return columns
}

// The functions below ask an optional interface of rows, or give the answer
// that database/sql takes for a driver that lacks it.

func scanType(rows driver.Rows, i int) reflect.Type {
	if r, ok := rows.(driver.RowsColumnTypeScanType); ok {
		return r.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

func databaseType(rows driver.Rows, i int) string {
	if r, ok := rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return r.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func length(rows driver.Rows, i int) (n int64, ok bool) {
	if r, ok := rows.(driver.RowsColumnTypeLength); ok {
		return r.ColumnTypeLength(i)
	}
	return 0, false
}

func nullable(rows driver.Rows, i int) (nullable, ok bool) {
	if r, ok := rows.(driver.RowsColumnTypeNullable); ok {
		return r.ColumnTypeNullable(i)
	}
	return false, false
}

func precisionScale(rows driver.Rows, i int) (precision, scale int64, ok bool) {
	if r, ok := rows.(driver.RowsColumnTypePrecisionScale); ok {
		return r.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}
