package resultset

import (
	"encoding/binary"
	"math/bits"
)

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

// uvarint reads what binary.AppendUvarint has written. It takes eight bytes at
// a time: the sizes of numbers are without a pattern often, and the processor
// would mispredict the end of a loop over bytes.
func (r *reader) uvarint() uint64 {
	if r.left() >= 8 {
		if v, n := sevens(binary.LittleEndian.Uint64(r.data[r.at:])); n <= 8 {
			r.at += n
			return v
		}
	}
	return r.bytewise()
}

// sevens returns the number that w begins with, and of how many bytes it is: 9
// if it goes on after w.
func sevens(w uint64) (v uint64, n int) {
	last := bits.TrailingZeros64(^w & 0x8080808080808080) // 64 if there is none
	w &= ^uint64(0) >> (63 - uint(last))
	// Seven bits of each byte, put together by twos, fours and eights.
	w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
	w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
	return w&0x000000000fffffff | w&0x0fffffff00000000>>4, last/8 + 1
}

func (r *reader) bytewise() (v uint64) {
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
