package invalidation

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUnannounced is returned by [Write.Announce], under NodeConfig.Fail, for a
// write that the fleet could not be told of beforehand.
var ErrUnannounced = errors.New("querycache: the write was not sent: the shared tier cannot be told of it")

// NodeConfig are the times of a [Node]. They are the same on all nodes.
type NodeConfig struct {
	Poll     time.Duration // between two Syncs, ± 20 %; H
	Lease    time.Duration // answers are used that long after a Sync was sent; Δ
	Deadline time.Duration // the store takes a node for silent after it; D
	Timeout  time.Duration // of a Sync, and what a write waits for one; ρ
	Idle     time.Duration // without reads and writes, polling stops
	// Fail makes a write fail that was not announced within Timeout. Without
	// it the write is sent, and nodes that are not told show old rows until
	// their lifetime ends.
	Fail bool
	// Altered is called when another node has changed the schema, or may have.
	// It must not call the node. Required.
	Altered func()
	Logger  *slog.Logger
}

// A Node is one process's part in a fleet that shares a [Store]: it keeps a
// [Space] informed of what others write, and them of what is written here. Make
// it with [NewNode]; it is safe for concurrent use.
//
// It has one Sync in flight at a time, which is poll, renewal and the bump of
// all writes that wait: replies are never applied in another order than they
// were made in.
type Node struct {
	space *Space
	store Store
	cfg   NodeConfig

	view  atomic.Pointer[view]
	lease atomic.Pointer[time.Time] // when the last Sync that was answered was sent
	used  atomic.Int64              // Unix nanoseconds
	// failed says without a lock what failing says.
	failed atomic.Bool
	stats  nodeCounters

	wake chan struct{} // holds one token if a Sync is wanted
	// relisten holds one token if listening is worth another try.
	relisten chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup

	// turn holds one token while somebody has the turn to sync: the node's own
	// goroutine, or Close after that has ended, or a write after Close.
	turn chan struct{}
	// hearing holds one token while somebody takes in what others have bumped: who
	// finds a bump known may rely on all that follows from it.
	hearing chan struct{}
	// answered is the last round that was answered: a later one takes over what
	// an earlier one did not get told.
	answered atomic.Uint64

	mu     sync.Mutex // guards following
	next   batch
	sent   uint64        // the last round: Syncs are counted
	news   chan struct{} // closed, and made anew, when answered moves
	record record
	open   map[*openWrite]struct{}
	// underWay counts, by tag, the writes that were announced and have not
	// ended: their tags stay in the record however long they take.
	underWay map[string]int
	// untold counts those that have ended and were not acknowledged.
	untold  int
	acked   announcement
	quiet   quiet
	foreign time.Time // when a hint of another epoch last made it ask
	closed  bool
	failing bool
}

// An openWrite may be visible already, in part, while it goes on.
type openWrite struct{ tags []string }

// NewNode returns a node and starts it: one goroutine syncs, one listens.
func NewNode(space *Space, store Store, cfg NodeConfig) *Node {
	n := &Node{
		space: space, store: store, cfg: cfg, wake: make(chan struct{}, 1),
		record: make(record), open: make(map[*openWrite]struct{}), underWay: make(map[string]int),
		relisten: make(chan struct{}, 1), turn: make(chan struct{}, 1), hearing: make(chan struct{}, 1), news: make(chan struct{}),
	}
	n.view.Store(newView(""))
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.touch()
	n.signal()
	n.work.Go(n.run)
	n.work.Go(n.listen)
	space.node.Store(n)
	return n
}

// Alive reports whether answers may be used: the last Sync was sent less than
// the lease ago. age is the caller's clock; a machine that was suspended must
// show in it.
func (n *Node) Alive(age func(time.Time) time.Duration) bool {
	sent := n.lease.Load()
	return sent != nil && age(*sent) < n.cfg.Lease
}

// Stamp returns as of when a query that is sent now reads.
func (n *Node) Stamp() FleetStamp { return n.view.Load().stamp() }

// Valid reports whether nothing that is known was written to the tags after the
// stamp.
func (n *Node) Valid(st FleetStamp, tags []string) bool { return n.view.Load().valid(st, tags) }

// Kept is Valid for one who does not mind the writes of other nodes: nothing that
// is known was written to the tags by this node after the stamp, nor invalidated
// or altered by anybody.
func (n *Node) Kept(st FleetStamp, tags []string) bool { return n.view.Load().kept(st, tags) }

// Touch notes that the node is in use, so that it goes on polling.
func (n *Node) Touch() {
	if !n.idle() {
		n.touch()
	}
}

func (n *Node) touch() { n.used.Store(time.Now().UnixNano()) }

func (n *Node) idle() bool { return time.Since(time.Unix(0, n.used.Load())) > n.cfg.Idle }

// Reach makes sure that the bumps up to st are known here, if need be by a Sync.
// It reports false if there was none in time.
func (n *Node) Reach(ctx context.Context, st FleetStamp) bool {
	if n.view.Load().reached(st) {
		return true
	}
	// One that is sent from now on sees what was before it, even if the
	// epoch of st is gone.
	if n.lost() || !n.fresh(ctx) {
		return false
	}
	v := n.view.Load()
	return v.epoch != st.Epoch || v.reached(st)
}

// Told returns the stamp of all that this node has written. While some of it is
// not told yet, nobody ever reaches it.
func (n *Node) Told() FleetStamp {
	n.mu.Lock()
	untold := n.untold
	n.mu.Unlock()
	st := n.Stamp() // after that: what was told by then is in it
	if untold > 0 {
		st.Seq = math.MaxUint64
	}
	return st
}

// Revive makes a node that has rested know what was written meanwhile. It
// reports false if it was not for want of use that answers may not be used, or
// if there was no Sync in time.
func (n *Node) Revive(ctx context.Context) bool {
	rested := n.idle()
	n.touch()
	return rested && !n.lost() && n.fresh(ctx)
}

// lost reports whether it is known that the store does not answer.
func (n *Node) lost() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failing || n.closed
}

// fresh waits for a Sync that is sent from now on.
func (n *Node) fresh(ctx context.Context) bool {
	n.mu.Lock()
	round := n.askLocked()
	n.mu.Unlock()
	n.signal()
	return n.wait(ctx, round)
}

func (n *Node) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *Node) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.wake:
		case <-timer.C:
		}
		if !n.resting() {
			n.turn <- struct{}{}
			n.sync(n.ctx)
			<-n.turn
		}
		timer.Reset(time.Duration(float64(n.cfg.Poll) * (0.8 + 0.4*rand.Float64())))
	}
}

// resting reports whether nobody needs a Sync.
func (n *Node) resting() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.idle() && n.next.empty() && len(n.record) == 0 && len(n.open) == 0 && len(n.underWay) == 0
}

// listen hears hints. They only make it quicker: without them a bump is learned
// of by the next Sync.
func (n *Node) listen() {
	for pause := n.cfg.Poll; n.ctx.Err() == nil; pause = min(2*pause, 10*time.Second) {
		started := time.Now()
		err := n.store.Listen(n.ctx, n.hint, n.signal)
		if err != nil && n.ctx.Err() == nil {
			n.stats.listenErrors.Add(1)
		}
		if time.Since(started) > time.Minute {
			pause = n.cfg.Poll
		}
		select {
		case <-n.ctx.Done():
		case <-n.relisten:
			pause = n.cfg.Poll / 2
		case <-time.After(pause):
		}
	}
}

// foreignPause is the time between two Syncs for the sake of hints of another epoch.
// They may be another fleet's: channels are common to all databases of a Redis.
const foreignPause = 50 * time.Millisecond

// hint applies one bump. One of another epoch makes it ask.
func (n *Node) hint(h Hint) {
	n.hearing <- struct{}{}
	defer func() { <-n.hearing }()
	v := n.view.Load()
	if h.Epoch != v.epoch {
		n.mu.Lock()
		now := time.Now()
		again := now.Sub(n.foreign) < foreignPause
		if !again {
			n.foreign = now
		}
		n.mu.Unlock()
		if !again {
			n.signal()
		}
		return
	}
	n.stats.hints.Add(1)
	if slices.Contains(h.Tags, Schema) {
		n.learn(v, Schema, h.Seq)
	}
	for _, tag := range h.Tags {
		n.learn(v, tag, h.Seq)
	}
}

// learn, called while hearing, notes a bump in the view first: an answer of the shared tier that is
// judged meanwhile takes its stamp in the space before it asks the view, so
// that one of the two makes it invalid.
func (n *Node) learn(v *view, tag string, seq uint64) {
	news, folded := v.raise(tag, seq)
	if news {
		name, revoked := strings.CutPrefix(tag, keptPrefix)
		switch {
		case tag == Schema:
			n.cfg.Altered() // before anything is read again
			n.space.revoke(All)
		case revoked:
			n.space.revoke(name)
		default:
			n.space.learn(tag)
		}
	}
	if folded {
		// From now on a bump up to the fold is no news, although it may not
		// have been heard of.
		n.space.revoke(All)
	}
}

// Close tells the store what is left to tell and ends the goroutines. Answers
// must not be used afterwards; writes are still told of, one by one. It is
// idempotent.
func (n *Node) Close() {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return
	}
	n.closed = true
	n.mu.Unlock()
	n.cancel()
	n.work.Wait()
	n.lease.Store(nil)
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.Lease)
	defer cancel()
	n.turn <- struct{}{}
	n.sync(ctx)
	<-n.turn
}
