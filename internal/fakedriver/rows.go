package fakedriver

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

var (
	_ driver.Rows                           = (*rows)(nil)
	_ driver.RowsNextResultSet              = fullRows{}
	_ driver.RowsColumnTypeScanType         = fullRows{}
	_ driver.RowsColumnTypeDatabaseTypeName = fullRows{}
	_ driver.RowsColumnTypeLength           = fullRows{}
	_ driver.RowsColumnTypeNullable         = fullRows{}
	_ driver.RowsColumnTypePrecisionScale   = fullRows{}
)

// rows are the minimal Rows.
type rows struct {
	conn   *conn
	ctx    context.Context
	sets   []set // the current one first; never empty
	pos    int
	closed bool
	// lent are the bytes of the row handed out last.
	lent [][]byte
}

// answer makes Rows of a result.
func (c *conn) answer(ctx context.Context, res *result) driver.Rows {
	r := &rows{conn: c, ctx: ctx, sets: res.sets}
	if len(r.sets) == 0 {
		r.sets = []set{{}}
	}
	c.rows[r] = struct{}{}
	c.srv.mu.Lock()
	c.srv.nrows++
	c.srv.mu.Unlock()
	return c.shape.rows(r)
}

// Columns implements driver.Rows.
func (r *rows) Columns() []string {
	names := make([]string, len(r.sets[0].columns))
	for i, c := range r.sets[0].columns {
		names[i] = c.name
	}
	return names
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	done, err := r.conn.use("Rows.Close")
	if err != nil {
		return err
	}
	defer done()
	if r.closed {
		return nil // nothing forbids it
	}
	r.closed = true
	r.takeBack()
	delete(r.conn.rows, r)
	r.conn.srv.mu.Lock()
	r.conn.srv.nrows--
	r.conn.srv.mu.Unlock()
	return nil
}

// Next implements driver.Rows.
func (r *rows) Next(dest []driver.Value) error {
	done, err := r.conn.use("Rows.Next")
	if err != nil {
		return err
	}
	defer done()
	if r.closed {
		r.conn.srv.misused("Rows.Next after Close")
		return errMisused
	}
	r.takeBack()
	s := &r.sets[0]
	if r.pos == len(s.rows) {
		if s.hang != nil {
			s.hang.wait(r.ctx.Done())
			if err := r.ctx.Err(); err != nil {
				return err
			}
		}
		if s.err != nil {
			return s.err
		}
		if err := r.conn.srv.sees(OpEnd); err != nil {
			return err
		}
		return io.EOF
	}
	for i, v := range s.rows[r.pos] {
		if b, ok := v.([]byte); ok {
			b = append([]byte{}, b...)
			r.lent = append(r.lent, b)
			v = b
		}
		dest[i] = v
	}
	r.pos++
	return nil
}

// takeBack spoils the bytes handed out last: they are the driver's again, and
// who kept them shall notice.
func (r *rows) takeBack() {
	for _, b := range r.lent {
		for i := range b {
			b[i] = '!'
		}
	}
	r.lent = nil
}

// fullRows have what else Rows can have.
type fullRows struct{ *rows }

// HasNextResultSet implements driver.RowsNextResultSet.
func (r fullRows) HasNextResultSet() bool { return len(r.sets) > 1 }

// NextResultSet implements driver.RowsNextResultSet.
func (r fullRows) NextResultSet() error {
	done, err := r.conn.use("NextResultSet")
	if err != nil {
		return err
	}
	defer done()
	r.takeBack()
	if len(r.sets) == 1 {
		return io.EOF
	}
	r.sets, r.pos = r.sets[1:], 0
	return nil
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r fullRows) ColumnTypeScanType(i int) reflect.Type { return r.sets[0].columns[i].scan }

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r fullRows) ColumnTypeDatabaseTypeName(i int) string { return r.sets[0].columns[i].typ }

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (r fullRows) ColumnTypeLength(i int) (int64, bool) {
	n := r.sets[0].columns[i].length
	return n, n != 0
}

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (r fullRows) ColumnTypeNullable(i int) (nullable, ok bool) {
	return r.sets[0].columns[i].nullable, true
}

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (r fullRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	c := r.sets[0].columns[i]
	return c.precision, c.scale, c.precision != 0
}
