// Package resultset holds the answer of a query as an immutable value: [Record]
// drains the rows of a driver into a [Set] under [Limits], and a Set plays
// itself back as driver.Rows as often as wanted, with the same values, Go types
// and column metadata. What cannot be held exactly (a result that is too large,
// several result sets, an error half-way, a value of a driver's own type)
// still reaches its caller whole, through [Recording.Rows], but is no Set. The
// package does not decide what may be cached, keeps nothing, and starts no
// goroutine.
package resultset

import (
	"database/sql/driver"
	"slices"
)

// Set is one complete result set: its columns and its rows. It is immutable and
// safe for concurrent use. The zero value has no columns and no rows.
type Set struct {
	columns []Column
	scans   []ColumnScan   // by column; nil if the rows did not scan by themselves
	names   []string       // of the columns, in one piece for replays to copy
	values  []driver.Value // row by row; len = rows * len(columns)
	rows    int            // kept apart: a row of no columns is a row
	held    int            // heap bytes of everything but the array of values
	blob    int            // most bytes that the []byte values of one row have
}

// Columns returns the columns from left to right. The slice belongs to the Set
// and must not be modified.
func (s *Set) Columns() []Column { return s.columns }

// Len returns the number of rows.
func (s *Set) Len() int { return s.rows }

// Bytes returns how much of the heap the Set holds, in bytes: the slots of the
// allocator's size classes, not the lengths of the values, so that 1 MiB of
// Sets is 1 MiB of memory within 15 %. Memory that values share with something
// else (a time zone, a string constant) is counted in full or not at all,
// whichever is usual for its kind.
func (s *Set) Bytes() int { return s.held + arrayBytes(len(s.values)) }

// newSet returns an empty Set. It takes ownership of columns.
func newSet(columns []Column) *Set {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	return &Set{columns: columns, names: names, held: headBytes(columns)}
}

// scanWith makes s one whose replays scan by themselves. It takes ownership of
// scans, of which there is one for each column.
func (s *Set) scanWith(scans []ColumnScan) {
	s.scans = scans
	s.held += scannedBytes(len(scans) * wordBytes)
}

// add appends a row, whose []byte values it copies: the driver may overwrite
// its own at the next call. It reports false if a value is of a type whose
// copy is not known to be exact; the row is held all the same.
func (s *Set) add(row []driver.Value) (exact bool) {
	exact = true
	blob := 0
	for _, v := range row {
		n, ok := boxBytes(v)
		s.held += n
		exact = exact && ok
		if b, ok := v.([]byte); ok {
			blob += len(b)
		}
	}
	s.held += dataBytes(blob)
	s.blob = max(s.blob, blob)

	s.values = append(s.values, row...)
	s.rows++
	own(s.values[len(s.values)-len(row):], make([]byte, 0, blob))
	return exact
}

// clip gives back what append reserved for rows that never came.
func (s *Set) clip() {
	if arrayBytes(cap(s.values)) > arrayBytes(len(s.values)) {
		s.values = slices.Clone(s.values)
	}
}

// own makes every []byte of values a copy inside buf, whose capacity must hold
// them all. The copies end where the next one begins: an append to one does
// not reach its neighbour. A nil []byte stays nil, an empty one stays non-nil.
func own(values []driver.Value, buf []byte) {
	for i, v := range values {
		if b, ok := v.([]byte); ok && b != nil {
			n := len(buf)
			buf = append(buf, b...)
			values[i] = buf[n:len(buf):len(buf)]
		}
	}
}
