package resultset

import (
	"database/sql/driver"
)

// MaxEmptyRows is the largest number of rows of a Set without columns that has
// a binary form. Nothing else would bound them: they take no bytes.
const MaxEmptyRows = 1 << 20

// decoder makes a Set of a body. Once anything is wrong its reader is bad.
type decoder struct {
	reader // of the head
	text   text
	blob   []byte // what is left of the contents of []byte; our own copy
	zones  []zoneHere
	prev   int64 // the last whole number of the column, or seconds of a time
	err    error // why the reader is bad, if it is not ErrCorrupt
	boxes  boxes

	values []driver.Value // row by row
	place  int            // where the next value goes
	width  int            // of a row
	held   int            // what the values hold; see boxBytes
}

// decode reads a body.
func (d *decoder) decode(body []byte, limits Limits, scans func(types []string) []ColumnScan) (*Set, error) {
	blob := d.open(body)
	width, rows := d.uvarint(), d.uvarint()
	scanned := width&1 != 0
	width >>= 1
	if err := d.bounds(width, rows, limits); err != nil {
		return nil, err
	}
	columns := make([]Column, width)
	for i := range columns {
		d.column(&columns[i])
	}
	if d.bad {
		return nil, ErrCorrupt
	}
	s := newSet(columns)
	if scanned {
		known := scansOf(columns, scans)
		if known == nil {
			return nil, ErrScan
		}
		s.scanWith(known)
	}
	s.rows, d.width = int(rows), int(width)
	s.values = make([]driver.Value, rows*width)
	d.values = s.values
	d.blob = append([]byte{}, blob...) // a part of a nil one would be nil
	for i := range columns {
		d.fill(i, s.rows)
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case !d.done() || !d.text.done() || len(d.blob) > 0:
		return nil, ErrCorrupt
	}
	s.held += d.held
	s.weighBytes(len(blob))
	if limits.passed(s) {
		return nil, ErrTooLarge
	}
	return s, nil
}

// open finds the sections of a body. It returns the blob.
func (d *decoder) open(body []byte) []byte {
	sections := reader{data: body}
	head, chunks := sections.uvarint(), sections.uvarint()
	d.data = sections.bytes(head)
	d.text.chunks.data = sections.bytes(chunks)
	d.bad = sections.bad
	return sections.bytes(uint64(sections.left()))
}

// bounds refuses what cannot be in the rest of the head, or must not, before
// memory is taken for it.
func (d *decoder) bounds(width, rows uint64, limits Limits) error {
	room := uint64(d.left())
	switch {
	case d.bad, width > room/minColumn, width > 0 && rows > room*bareRun/width:
		return ErrCorrupt
	case width == 0 && rows > MaxEmptyRows,
		limits.Rows > 0 && rows > uint64(limits.Rows),
		limits.Bytes > 0 && leastBytes(int(width), int(rows)) > limits.Bytes:
		return ErrTooLarge
	}
	return nil
}

// leastBytes returns what a Set of this shape holds at least.
func leastBytes(width, rows int) int {
	return width*(columnBytes+stringBytes) + arrayBytes(rows*width)
}

// weighBytes counts, as add does, the contents of []byte, of which there are as
// many bytes as given in all.
func (s *Set) weighBytes(total int) {
	width := len(s.columns)
	for i := 0; i < len(s.values) && total > 0; i += width {
		blob := 0
		for _, v := range s.values[i:][:width] {
			if b, ok := v.([]byte); ok {
				blob += len(b)
			}
		}
		s.held += dataBytes(blob)
		s.blob = max(s.blob, blob)
		total -= blob
	}
}

// scansOf asks for how rows of these columns scan. It returns nil if that is
// not known, or if this program's database/sql knows no such rows.
func scansOf(columns []Column, scans func(types []string) []ColumnScan) []ColumnScan {
	_, can := any((*scanning)(nil)).(interface{ NextRow() error })
	if !can || scans == nil {
		return nil
	}
	types := make([]string, len(columns))
	for i, c := range columns {
		types[i] = c.DatabaseType
	}
	if known := scans(types); len(known) == len(types) {
		return known
	}
	return nil
}
