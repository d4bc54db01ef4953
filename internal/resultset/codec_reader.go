package resultset

import "encoding/binary"

// reader reads what need not be there: once it is asked for more than it has,
// it is bad and has nothing but zeros.
type reader struct {
	data []byte
	at   int
	bad  bool
}

func (r *reader) fail() { r.at, r.bad = len(r.data), true }

// left returns how many bytes have not been read.
func (r *reader) left() int { return len(r.data) - r.at }

// done reports whether everything has been read, and nothing else.
func (r *reader) done() bool { return r.left() == 0 && !r.bad }

func (r *reader) byte() byte {
	if r.at >= len(r.data) {
		r.fail()
		return 0
	}
	b := r.data[r.at]
	r.at++
	return b
}

// bytes returns the next n bytes, as a part of the input.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(r.left()) {
		r.fail()
		return nil
	}
	start := r.at
	r.at += int(n)
	return r.data[start:r.at]
}

// uvarint reads what binary.AppendUvarint has written.
func (r *reader) uvarint() uint64 {
	if r.at < len(r.data) && r.data[r.at] < 0x80 {
		v := r.data[r.at]
		r.at++
		return uint64(v)
	}
	return r.longUvarint()
}

func (r *reader) longUvarint() (v uint64) {
	for i, b := range r.data[r.at:] {
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.at += i + 1
			return v
		}
	}
	r.fail()
	return 0
}

// varint reads what binary.AppendVarint has written.
func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// uint32 and uint64 read numbers of fixed size.
func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}
