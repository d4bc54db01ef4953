package resultset

import (
	"encoding/binary"
	"errors"
)

// encoder takes a Set apart into the sections of a body.
type encoder struct {
	head  []byte
	text  []byte
	cuts  []int // ends of the chunks of text but for the last
	blob  []byte
	prev  int64 // the last whole number of the column, or seconds of a time
	zones []zone
	known int // of zones, those that head has the definition of
	last  lastZone
}

var errEmptyRows = errors.New("too many rows of no columns")

func (e *encoder) encode(s *Set) error {
	if len(s.columns) == 0 && s.rows > MaxEmptyRows {
		return errEmptyRows
	}
	e.head = make([]byte, 0, 32*len(s.columns)+6*len(s.values))
	width := uint64(len(s.columns)) << 1
	if s.scans != nil {
		width |= 1
	}
	e.head = binary.AppendUvarint(e.head, width)
	e.head = binary.AppendUvarint(e.head, uint64(s.rows))
	for i := range s.columns {
		if err := e.column(&s.columns[i]); err != nil {
			return err
		}
	}
	for i := range s.columns {
		e.prev = 0
		if err := e.values(s, i); err != nil {
			return err
		}
	}
	return nil
}

// body joins the sections.
func (e *encoder) body() []byte {
	if len(e.text) > 0 {
		e.cuts = append(e.cuts, len(e.text))
	}
	size, start := len(e.text), 0
	for _, end := range e.cuts {
		size += uvarintBytes(end - start)
		start = end
	}
	body := make([]byte, 0, 2*binary.MaxVarintLen64+len(e.head)+size+len(e.blob))
	body = binary.AppendUvarint(body, uint64(len(e.head)))
	body = binary.AppendUvarint(body, uint64(size))
	body = append(body, e.head...)
	start = 0
	for _, end := range e.cuts {
		body = binary.AppendUvarint(body, uint64(end-start))
		body = append(body, e.text[start:end]...)
		start = end
	}
	return append(body, e.blob...)
}

// uvarintBytes returns the size of n as a varint.
func uvarintBytes(n int) (size int) {
	for size = 1; n >= 0x80; size++ {
		n >>= 7
	}
	return size
}
