package remote

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// tagPrefix tells a tag from the other members of the control key.
const tagPrefix = "t:"

func tagOf(member string) (string, bool) { return strings.CutPrefix(member, tagPrefix) }

func noNUL(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return errors.New("querycache: remote: sync: a name holds a NUL, which separates names")
	}
	return nil
}

// newRecord returns the member that says "this node may have written these
// without telling".
func newRecord(r Request) string {
	tags := slices.Clone(r.Record)
	slices.Sort(tags) // the same tags are the same member
	tags = slices.Compact(tags)
	var b strings.Builder
	b.WriteString("!w\x00")
	b.WriteString(r.Node)
	b.WriteByte(0)
	b.WriteString(strconv.FormatInt(r.deadline().Microseconds(), 10))
	b.WriteByte(0)
	for i, tag := range tags {
		if i > 0 {
			b.WriteByte(0)
		}
		b.WriteString(tagPrefix)
		b.WriteString(tag)
	}
	return b.String()
}

// maxHeld bounds the records that are remembered while Redis does not answer.
// One that is forgotten stays until its deadline and is bumped: too much, not
// too little.
const maxHeld = 32

// ownRecord is what is known about this node's record in Redis. As long as a
// reply is outstanding there may be more than one: the one that was there, and
// the one that was to replace it. All are superseded by the next.
type ownRecord struct {
	held  []string // may be in Redis; the first is the last acknowledged
	acked int64    // its deadline in µs on the server's clock; 0: none
	// puzzled: the last reply was not one of SYNC, so the control key may hold
	// what SYNC did not write.
	puzzled bool
}

// begin notes that record is being sent and returns the arguments of SYNC.
func (o *ownRecord) begin(record string, r Request, s server) []any {
	witness, publish, quiet, unknown, puzzled := "", "PUBLISH", "", "", ""
	if s.mode == Witness {
		witness = "1"
	}
	if s.sharded {
		publish = "SPUBLISH"
	}
	if r.Quiet {
		quiet = "1"
	}
	if r.Unknown {
		unknown = r.Node
	}
	if o.puzzled {
		puzzled = "1"
	}
	superseded := make([]string, 0, len(o.held))
	for _, h := range o.held {
		if h != record {
			superseded = append(superseded, h)
		}
	}
	if len(superseded) == len(o.held) {
		if len(o.held) >= maxHeld {
			o.held = slices.Delete(o.held, 1, 2)
		}
		o.held = append(o.held, record)
	}

	args := make([]any, 0, 14+len(superseded)+len(r.Bump))
	args = append(args, r.nonce(), r.Epoch, strconv.FormatUint(r.After, 10),
		r.deadline().Microseconds(), max(r.MaxTTL, 0).Microseconds(),
		witness, publish, quiet, unknown, record,
		strconv.FormatUint(max(r.Seen, r.After), 10), puzzled, o.acked, len(superseded))
	for _, s := range superseded {
		args = append(args, s)
	}
	for _, tag := range r.Bump {
		args = append(args, tagPrefix+tag)
	}
	return args
}

// acknowledged notes that record is the only one, with this deadline.
func (o *ownRecord) acknowledged(record string, deadline int64) {
	o.held = append(o.held[:0], record)
	o.acked, o.puzzled = deadline, false
}
