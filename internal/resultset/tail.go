package resultset

import (
	"database/sql/driver"
	"io"
	"reflect"
)

var (
	_ driver.Rows                           = (*tail)(nil)
	_ driver.RowsNextResultSet              = (*tail)(nil)
	_ driver.RowsColumnTypeScanType         = (*tail)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*tail)(nil)
	_ driver.RowsColumnTypeLength           = (*tail)(nil)
	_ driver.RowsColumnTypeNullable         = (*tail)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*tail)(nil)
)

// tail plays the rows that were read from live, and then live itself, untouched.
// Optional interfaces that live lacks are answered as database/sql would.
type tail struct {
	prefix  *scanning // nil once it is played or skipped
	live    driver.Rows
	eof     bool   // live has said io.EOF, with another result set to follow
	pending bool   // live stands on a row that is not in prefix
	end     func() // nil once called
}

// Next implements driver.Rows.
func (t *tail) Next(dest []driver.Value) error {
	if t.prefix != nil {
		if t.prefix.Next(dest) == nil {
			return nil
		}
		t.prefix = nil // and with it the memory of its rows
	}
	if t.eof {
		return io.EOF
	}
	return t.met(t.live.Next(dest))
}

// met passes on what live has said instead of a row.
func (t *tail) met(err error) error {
	if err != nil && (err != io.EOF || !hasNextResultSet(t.live)) { //nolint:errorlint // database/sql compares it so
		t.over()
	}
	return err
}

// Close implements driver.Rows.
func (t *tail) Close() error {
	defer t.over() // after the live Close, and even if it panics
	return t.live.Close()
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (t *tail) HasNextResultSet() bool { return hasNextResultSet(t.live) }

// NextResultSet implements driver.RowsNextResultSet.
func (t *tail) NextResultSet() error {
	t.prefix, t.eof, t.pending = nil, false, false
	err := io.EOF
	if live, ok := t.live.(driver.RowsNextResultSet); ok {
		err = live.NextResultSet()
	}
	if err != nil {
		t.over()
	}
	return err
}

// Columns implements driver.Rows.
func (t *tail) Columns() []string { return t.playing().Columns() }

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (t *tail) ColumnTypeScanType(i int) reflect.Type {
	return scanType(t.playing(), i)
}

// ColumnTypeDatabaseTypeName implements
// driver.RowsColumnTypeDatabaseTypeName.
func (t *tail) ColumnTypeDatabaseTypeName(i int) string {
	return databaseType(t.playing(), i)
}

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (t *tail) ColumnTypeLength(i int) (n int64, ok bool) {
	return length(t.playing(), i)
}

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (t *tail) ColumnTypeNullable(i int) (null, ok bool) {
	return nullable(t.playing(), i)
}

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (t *tail) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return precisionScale(t.playing(), i)
}

// playing returns whose row the caller stands on. While the prefix plays, live
// is ahead of the caller, and some drivers describe the row they stand on.
func (t *tail) playing() driver.Rows {
	if t.prefix != nil {
		return t.prefix
	}
	return t.live
}

// over tells, once, that the statement is over.
func (t *tail) over() {
	if end := t.end; end != nil {
		t.end = nil
		end()
	}
}

func hasNextResultSet(rows driver.Rows) bool {
	r, ok := rows.(driver.RowsNextResultSet)
	return ok && r.HasNextResultSet()
}

// Live returns rows as they are, every optional interface of package driver
// included, but for what a driver adds of its own, and calls end exactly once:
// at the last io.EOF, at an error or at Close, before that call returns.
func Live(rows driver.Rows, end func()) driver.Rows {
	return (&tail{live: rows, end: end}).rows()
}
