package resultset

import (
	"database/sql/driver"
	"io"
	"reflect"
)

var (
	_ driver.Rows                           = (*replay)(nil)
	_ driver.RowsColumnTypeScanType         = (*replay)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*replay)(nil)
	_ driver.RowsColumnTypeLength           = (*replay)(nil)
	_ driver.RowsColumnTypeNullable         = (*replay)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*replay)(nil)
)

// replay plays a Set. Like every driver.Rows it has one user at a time.
type replay struct {
	set   *Set
	next  int      // row that Next gives out
	buf   []byte   // what the []byte values of the current row are lent from
	names []string // its own; see Set.replay
}

// scanning is a replay of rows that scanned by themselves: with Go 1.27 it
// implements driver.RowsColumnScanner.
type scanning struct{ replay }

// Rows returns a new replay of s, from its first row. It is one allocation up
// to 64 columns, one more above, and one more at the first row if the Set holds
// []byte contents: the buffer that these are copied into, valid until the next
// Next. (Each such value then takes the small box that Go makes to put a slice
// into an interface.) What a user does to the values and column names that he
// was given never reaches the Set or another replay.
func (s *Set) Rows() driver.Rows {
	r := s.replay()
	if s.scans != nil {
		return r
	}
	return &r.replay
}

// Columns implements driver.Rows.
func (r *replay) Columns() []string { return r.names }

// Next implements driver.Rows. It returns nil or io.EOF.
func (r *replay) Next(dest []driver.Value) error {
	s := r.set
	if r.next == s.rows {
		return io.EOF
	}
	width := len(s.columns)
	copy(dest, s.values[r.next*width:][:width])
	r.next++
	if s.blob == 0 {
		return nil // empty []byte values, if any, have no capacity to write to
	}
	if r.buf == nil {
		r.buf = make([]byte, 0, s.blob)
	}
	own(dest, r.buf)
	return nil
}

// Close implements driver.Rows. There is nothing to release.
func (r *replay) Close() error { return nil }

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *replay) ColumnTypeScanType(i int) reflect.Type {
	return r.set.columns[i].ScanType
}

// ColumnTypeDatabaseTypeName implements
// driver.RowsColumnTypeDatabaseTypeName.
func (r *replay) ColumnTypeDatabaseTypeName(i int) string {
	return r.set.columns[i].DatabaseType
}

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (r *replay) ColumnTypeLength(i int) (length int64, ok bool) {
	c := &r.set.columns[i]
	return c.Length, c.HasLength
}

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (r *replay) ColumnTypeNullable(i int) (nullable, ok bool) {
	c := &r.set.columns[i]
	return c.Nullable, c.HasNullable
}

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (r *replay) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	c := &r.set.columns[i]
	return c.Precision, c.Scale, c.HasPrecisionScale
}

// replay allocates a replay together with the names of its columns.
//
// database/sql hands the slice of driver.Rows.Columns on to its users, who may
// change what a driver gave them, and it asks for that slice before every first
// Next. So it can neither be shared by all replays (one who changes it would
// race with all others, even if these only compared it with an original) nor
// be cloned when asked for (an allocation per hit). Hence each replay has its
// own, inside its one object. The widths make objects that fill the size
// classes of the allocator.
func (s *Set) replay() *scanning {
	switch n := len(s.columns); {
	case n <= 4:
		var r struct {
			scanning
			room [4]string
		}
		return r.start(s, r.room[:n])
	case n <= 8:
		var r struct {
			scanning
			room [8]string
		}
		return r.start(s, r.room[:n])
	case n <= 16:
		var r struct {
			scanning
			room [16]string
		}
		return r.start(s, r.room[:n])
	case n <= 64:
		var r struct {
			scanning
			room [64]string
		}
		return r.start(s, r.room[:n])
	default:
		return new(scanning).start(s, make([]string, n))
	}
}

func (r *scanning) start(s *Set, names []string) *scanning {
	copy(names, s.names)
	r.set, r.names = s, names
	return r
}
