package resultset

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// FormatVersion is the version of the binary form of a [Set]. It belongs into
// the name under which a payload is kept, so that two versions of a program do
// not overwrite what the other cannot read. Every change of the bytes that
// [Set.AppendBinary] writes, or of what they mean, is a new version.
//
// A payload is
//
//	version, form           1 byte each
//	CRC-32C of the rest     4 bytes, little endian, version and form included
//	body                    as form says, see codec_compress.go
//
// and the body, whose numbers are varints of package encoding/binary,
//
//	size of head, of text
//	head    width and rows, then by column its metadata, see
//	        codec_column.go, then by column its values but for the contents
//	        of strings and []byte, see codec_run.go
//	text    of strings, in chunks of size and bytes, see codec_text.go
//	blob    the contents of []byte, end to end
//
// The text stands by itself so that it becomes few strings and not one for
// each value.
const FormatVersion = 1

// The errors of [Decode] and [Set.AppendBinary]. To one who reads from a shared
// tier each of Decode is a miss.
var (
	// ErrVersion: the payload is of another format version.
	ErrVersion = errors.New("resultset: payload of another format version")
	// ErrCorrupt: the payload is damaged, or was not made by AppendBinary.
	ErrCorrupt = errors.New("resultset: payload is corrupt")
	// ErrTooLarge: the Set would pass the limits.
	ErrTooLarge = errors.New("resultset: payload exceeds the limits")
	// ErrZone: a time is in a zone that this machine does not know, or in
	// which it sees another name or offset than the writer did.
	ErrZone = errors.New("resultset: time zone unknown or different here")
	// ErrScan: the rows scanned by themselves, and it is not known how.
	ErrScan = errors.New("resultset: unknown how the rows scan")
	// ErrNotPortable: the Set holds what has no binary form, and can serve
	// this process only.
	ErrNotPortable = errors.New("resultset: set has no binary form")
)

var _ encoding.BinaryAppender = (*Set)(nil)

const headerBytes = 6

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBinary implements encoding.BinaryAppender: it appends the payload that
// [Decode] makes an equal Set of. The error is [ErrNotPortable] with the
// reason, and dst is then returned as it was. That is so for a column whose
// scan type is not a basic type, []byte, time.Time or of package database/sql;
// for a time zone that is none of time.UTC, time.Local, time.FixedZone and
// time.LoadLocation, or has a name of more than 255 bytes; for more than 255
// zones in one Set; and for more than [MaxEmptyRows] rows of no columns.
func (s *Set) AppendBinary(dst []byte) ([]byte, error) {
	var e encoder
	if err := e.encode(s); err != nil {
		return dst, fmt.Errorf("%w: %w", ErrNotPortable, err)
	}
	start := len(dst)
	form, payload := compress(append(dst, FormatVersion, 0, 0, 0, 0, 0), e.body())
	p := payload[start:]
	p[1] = form
	binary.LittleEndian.PutUint32(p[2:], checksum(p))
	return payload, nil
}

// Decode returns the Set that [Set.AppendBinary] made data of. It keeps nothing
// of data. data need not be trusted: whatever it holds, the result is a Set
// within limits or an error. What is allocated on the way there is at most five
// times limits.Bytes and the length of data, and for a payload that is not
// compressed at most 160 times that length (a NULL may be a bit there, and is
// two words here); time zones, which are kept for all, come on top once. If
// limits.Bytes is zero, a compressed payload may be of 64 MiB. The checksum is
// against accidents; against forgery there is [Seal].
//
// scans is asked only if the recorded rows scanned by themselves, as for
// [Record]. It may be nil. That the rows of a driver do so from Go 1.27 on, and
// did not before, is not seen here: the name under which a payload is kept must
// tell the two apart.
func Decode(data []byte, limits Limits, scans func(types []string) []ColumnScan) (*Set, error) {
	switch {
	case len(data) < headerBytes:
		return nil, ErrCorrupt
	case data[0] != FormatVersion:
		return nil, ErrVersion
	case binary.LittleEndian.Uint32(data[2:]) != checksum(data):
		return nil, ErrCorrupt
	}
	if data[1] == bodyPlain {
		return new(decoder).decode(data[headerBytes:], limits, scans)
	}
	room := bodies.Get().(*[]byte)
	defer bodies.Put(room)
	body, err := decompressInto(*room, data[1], data[headerBytes:], limits)
	if err != nil {
		return nil, err
	}
	if cap(body) <= maxRoom {
		*room = body
	}
	return new(decoder).decode(body, limits, scans)
}

// checksum returns that of a payload, whose own place is left out.
func checksum(p []byte) uint32 {
	return crc32.Update(crc32.Checksum(p[:2], castagnoli), castagnoli, p[headerBytes:])
}
