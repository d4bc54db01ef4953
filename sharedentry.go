package querycache

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/querycache/querycache/invalidation"
)

// A sharedEntry is an answer as it lies in the shared tier: judged on use, by
// whoever reads it, like one of the local tier.
type sharedEntry struct {
	stamp invalidation.FleetStamp
	asked time.Time // by the clock of Redis, before the query was sent
	ttl   time.Duration
	cost  time.Duration // what its query takes; 0: not known
	tags  []string
	rows  []byte // of package resultset
}

// maxCost bounds what is believed of another's query.
const maxCost = time.Hour

var errSharedEntry = errors.New("querycache: an entry of the shared tier is malformed")

// append encodes the entry of a key: a checksum of the head, its length, the head,
// and the rows, which have a checksum and a version of their own. The checksum is
// of the key, too: what lies under another one, or comes as the answer to another
// question over a connection that has lost count, is malformed.
func (e *sharedEntry) append(dst, key []byte) []byte {
	head := appendKeyString(nil, e.stamp.Epoch)
	head = binary.AppendUvarint(head, e.stamp.Seq)
	head = binary.AppendVarint(head, e.asked.UnixMicro())
	head = binary.AppendVarint(head, e.ttl.Microseconds())
	head = binary.AppendUvarint(head, uint64(e.cost.Microseconds()))
	head = binary.AppendUvarint(head, uint64(len(e.tags)))
	for _, tag := range e.tags {
		head = appendKeyString(head, tag)
	}
	dst = binary.LittleEndian.AppendUint32(dst, headSum(key, head))
	dst = binary.AppendUvarint(dst, uint64(len(head)))
	return append(append(dst, head...), e.rows...)
}

var sharedSum = crc32.MakeTable(crc32.Castagnoli)

func headSum(key, head []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, sharedSum), sharedSum, head)
}

// parseShared reads what append has written. The bytes need not be trusted. An
// entry whose tags are the known ones, which it nearly always has, shares them.
func parseShared(data, key []byte, known ...string) (e sharedEntry, err error) {
	if len(data) < 4 {
		return e, errSharedEntry
	}
	sum := binary.LittleEndian.Uint32(data)
	size, n := binary.Uvarint(data[4:])
	data = data[4+max(n, 0):]
	if n <= 0 || size > uint64(len(data)) || headSum(key, data[:size]) != sum {
		return e, errSharedEntry
	}
	r := sharedReader{rest: data[:size]}
	e.stamp.Epoch = r.text()
	e.stamp.Seq = r.uvarint()
	e.asked = time.UnixMicro(r.varint())
	e.ttl = time.Duration(r.varint()) * time.Microsecond
	e.cost = time.Duration(min(r.uvarint(), uint64(maxCost/time.Microsecond))) * time.Microsecond
	e.tags = r.texts(known)
	if r.bad || len(r.rest) > 0 || e.ttl <= 0 || e.ttl > maxShared {
		return e, errSharedEntry
	}
	e.rows = data[size:]
	return e, nil
}

type sharedReader struct {
	rest []byte
	bad  bool
}

func (r *sharedReader) took(n int) {
	if n <= 0 {
		r.bad, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}

func (r *sharedReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.took(n)
	return v
}

func (r *sharedReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.took(n)
	return v
}

func (r *sharedReader) text() string { return string(r.bytes()) }

func (r *sharedReader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// texts reads a number of texts. It returns known if that is what they are.
func (r *sharedReader) texts(known []string) (list []string) {
	left := r.uvarint()
	if left == uint64(len(known)) && left > 0 {
		ahead := *r
		same := true
		for _, text := range known {
			same = string(ahead.bytes()) == text && same
		}
		if same && !ahead.bad {
			*r = ahead
			return known
		}
	}
	for ; left > 0 && !r.bad; left-- {
		list = append(list, r.text())
	}
	return list
}
