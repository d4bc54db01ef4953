//go:build go1.27

package resultset

import (
	"database/sql/driver"
	"io"
)

// Rows that implement driver.RowsColumnScanner scan by themselves, into
// destinations that database/sql knows nothing of, and are never asked for the
// values of a row. What plays such rows does the same, and what plays others
// must not: database/sql treats the two kinds differently.

var (
	_ driver.RowsColumnScanner = (*scanning)(nil)
	_ driver.RowsColumnScanner = scanningTail{}
	_ driver.RowsColumnScanner = scanningFailed{}
)

// NextRow implements driver.RowsColumnScanner. It returns nil or io.EOF.
func (r *scanning) NextRow() error {
	if r.next == r.set.rows {
		return io.EOF
	}
	r.next++
	r.buf = r.buf[:0]
	return nil
}

// ScanColumn implements driver.RowsColumnScanner. A []byte is lent until the
// next NextRow: a sql.RawBytes or a sql.Scanner gets it as it is.
func (r *scanning) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	s := r.set
	v := s.values[(r.next-1)*len(s.columns)+index]
	if b, ok := v.([]byte); ok && b != nil {
		if r.buf == nil {
			r.buf = make([]byte, 0, s.blob)
		}
		n := len(r.buf)
		r.buf = append(r.buf, b...) // grows if a column is scanned again
		v = r.buf[n:len(r.buf):len(r.buf)]
	}
	return s.scans[index](ctx, v, dest)
}

// rows returns t, as live rows that scan by themselves if live does.
func (t *tail) rows() driver.Rows {
	if live, ok := t.live.(driver.RowsColumnScanner); ok {
		return scanningTail{tail: t, scanner: live}
	}
	return t
}

type scanningTail struct {
	*tail
	scanner driver.RowsColumnScanner // tail.live
}

// NextRow implements driver.RowsColumnScanner.
func (t scanningTail) NextRow() error {
	if t.prefix != nil {
		if t.prefix.NextRow() == nil {
			return nil
		}
		t.prefix = nil
	}
	switch {
	case t.eof:
		return io.EOF
	case t.pending:
		t.pending = false
		return nil
	}
	return t.met(t.scanner.NextRow())
}

// ScanColumn implements driver.RowsColumnScanner.
func (t scanningTail) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	if t.prefix != nil {
		return t.prefix.ScanColumn(ctx, index, dest)
	}
	return t.scanner.ScanColumn(ctx, index, dest)
}

// rows returns f, as rows that scan by themselves if those it plays do.
func (f *failed) rows(played *scanning) driver.Rows {
	if played.set.scans != nil {
		return scanningFailed{failed: f, scanner: played}
	}
	return f
}

type scanningFailed struct {
	*failed
	scanner *scanning // failed.replay
}

// NextRow implements driver.RowsColumnScanner.
func (f scanningFailed) NextRow() error { return f.ended(f.scanner.NextRow()) }

// ScanColumn implements driver.RowsColumnScanner.
func (f scanningFailed) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	return f.scanner.ScanColumn(ctx, index, dest)
}
