package remote

import (
	"crypto/rand"
	"errors"
	"time"
)

// A Request is one call of SYNC: poll, renewal and bumps.
type Request struct {
	// Nonce becomes the epoch if a new one is needed. It must be new in each
	// call: an epoch that came twice would make entries valid again. Default
	// "": a random one is made.
	Nonce string
	// Epoch and After are the caller's: the sequence number it has seen with
	// the last reply. Epoch "" is attaching: everything that is known comes
	// back, and it may take a second.
	Epoch string
	After uint64
	// Seen is the sequence number that the caller has heard of, by a hint
	// perhaps: if it has never been, there is a new epoch. Default: After.
	Seen uint64

	// Deadline is D: how long the node's record may stay silent before Redis
	// bumps what it names. Default 5 s.
	Deadline time.Duration
	// MaxTTL is the longest lifetime of an entry: for so long, and not
	// longer, a statement that nobody hears of may make one wrong.
	MaxTTL time.Duration

	// Node names the caller, uniquely in the fleet and across restarts.
	// Required, the same in each call.
	Node string
	// Record are the tags which the node may write without telling until
	// Deadline has passed. The order does not matter. Without tags the record
	// is still written: it is the witness, and makes each poll a write.
	Record []string
	// Bump are the tags to bump, all with one sequence number.
	Bump []string
	// Unknown says that the outcome of what is bumped is unknown: Redis bumps
	// it again after D/20, D/10, D/5 and so on until MaxTTL.
	Unknown bool
	// Quiet suppresses the hint for Bump, for tags that change so often that
	// nobody caches them.
	Quiet bool
}

// A Reply is what SYNC returned.
type Reply struct {
	Epoch string
	Seq   uint64    // the sequence number after the call
	Now   time.Time // the server's clock
	// Changed are the bumps after Request.After or, if the epoch is another
	// one than the request's, all of its bumps. The tag "*" is everything.
	Changed []Change
}

// A Change is the last bump of a tag.
type Change struct {
	Tag string
	Seq uint64
}

// defaultDeadline is D of the protocol.
const defaultDeadline = 5 * time.Second

func (r Request) deadline() time.Duration {
	if r.Deadline <= 0 {
		return defaultDeadline
	}
	return r.Deadline
}

func (r Request) check() error {
	var errs []error
	if r.Node == "" {
		errs = append(errs, errors.New("querycache: remote: sync: Node is empty"))
	}
	if r.Epoch != "" && r.Nonce == r.Epoch {
		errs = append(errs, errors.New("querycache: remote: sync: Nonce is the present epoch, expected a new one"))
	}
	for _, s := range []string{r.Node, r.Nonce, r.Epoch} {
		errs = append(errs, noNUL(s))
	}
	for _, tag := range r.Record {
		errs = append(errs, noNUL(tag))
	}
	for _, tag := range r.Bump {
		errs = append(errs, noNUL(tag))
	}
	return errors.Join(errs...)
}

func (r Request) nonce() string {
	if r.Nonce != "" {
		return r.Nonce
	}
	return rand.Text()
}
