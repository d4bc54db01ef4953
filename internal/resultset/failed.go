package resultset

import (
	"database/sql/driver"
	"io"
)

var (
	_ driver.Rows              = (*failed)(nil)
	_ driver.RowsNextResultSet = (*failed)(nil)
)

// failed replays the rows before an error and then that error, as the driver
// returned it.
type failed struct {
	*replay
	readErr  error // what Next returns after the last row; io.EOF if only Close failed
	closeErr error // what the first Close returns
}

// Next implements driver.Rows.
func (f *failed) Next(dest []driver.Value) error {
	return f.ended(f.replay.Next(dest))
}

// ended replaces the end of the rows by the error.
func (f *failed) ended(err error) error {
	if err == io.EOF { //nolint:errorlint // database/sql compares it so
		return f.readErr
	}
	return err
}

// Close implements driver.Rows. It returns the error of the live Close even if
// the rows before the failure were not all read: drivers that read ahead
// (pgx) report it to such callers too, and hiding a failure is the worse fault.
func (f *failed) Close() error {
	err := f.closeErr
	f.closeErr = nil
	return err
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (f *failed) HasNextResultSet() bool { return false }

// NextResultSet implements driver.RowsNextResultSet, so that one who skips the
// rest of the rows is told of the error in them.
func (f *failed) NextResultSet() error { return f.readErr }
