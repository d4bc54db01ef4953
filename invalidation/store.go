package invalidation

import "context"

// Schema is the name of the tag that moves when the schema does: what nodes know
// of it is outdated then.
const Schema = "!"

// All is the name of the tag that stands for every tag.
const All = "*"

// A Store is where the nodes of a fleet tell each other what they wrote.
// Implementations are safe for concurrent use.
type Store interface {
	// Sync runs the one operation there is: it renews the record of this
	// node, bumps, and returns what was bumped since. An error means that
	// it may or may not have run.
	Sync(ctx context.Context, r Request) (Reply, error)

	// Listen calls hint for every bump that it hears of, until ctx ends or
	// the connection is lost, and ready once it hears them. Hints may be
	// lost, doubled and in any order.
	Listen(ctx context.Context, hint func(Hint), ready func()) error
}

// A Request is what a node says in one Sync.
type Request struct {
	Nonce string // becomes the epoch if the store needs a new one
	Epoch string // of the node's view; empty before the first reply
	After uint64 // up to where the view knows of bumps
	// Seen is the last bump that was heard of. If the store has not had it, it has
	// gone back in time, or a hint has lied: it begins a new epoch.
	Seen uint64
	// Record are the tags that the node may have written without telling,
	// should it fall silent. It takes the place of the one before.
	Record []string
	// Bump are tags that were written. Unknown: or may yet be, since the end
	// of a write was not seen; they are bumped again by and by.
	Bump    []string
	Unknown bool
	// Quiet: nobody need be told at once.
	Quiet bool
}

// A Reply is what a node is told.
type Reply struct {
	Epoch string
	Seq   uint64 // of the last bump that Changed can hold
	// Changed are the tags bumped after Request.After; all there are if the
	// epoch is another one.
	Changed []Change
}

// A Change is the last bump of a tag.
type Change struct {
	Tag string
	Seq uint64
}

// A Hint tells of one bump at once.
type Hint struct {
	Epoch string
	Seq   uint64
	Tags  []string
}
