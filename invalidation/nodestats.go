package invalidation

import (
	"math"
	"sync/atomic"
	"time"
)

type nodeCounters struct {
	syncs, syncErrors, epochs, hints, listenErrors, unannounced, late atomic.Int64
}

// NodeStats are the figures of a [Node] since it was made.
type NodeStats struct {
	Syncs, SyncErrors int64
	// Epochs counts the times that the store had lost what it knew, and the
	// first time that it was met.
	Epochs int64
	// Hints are bumps that were told of at once.
	Hints, ListenErrors int64
	// Unannounced are writes that were sent, or failed, although the fleet
	// could not be told beforehand; Late are those whose end was not
	// acknowledged before they returned.
	Unannounced, Late int64
}

// Stats returns the current figures.
func (n *Node) Stats() NodeStats {
	c := &n.stats
	return NodeStats{
		Syncs: c.syncs.Load(), SyncErrors: c.syncErrors.Load(), Epochs: c.epochs.Load(),
		Hints: c.hints.Load(), ListenErrors: c.listenErrors.Load(),
		Unannounced: c.unannounced.Load(), Late: c.late.Load(),
	}
}

// Silent returns for how long answers may not have been used, since the last
// Sync was too long ago: 0 if they may; without any Sync so far, for ever. age is
// as for [Node.Alive].
func (n *Node) Silent(age func(time.Time) time.Duration) time.Duration {
	sent := n.lease.Load()
	if sent == nil {
		return math.MaxInt64
	}
	return max(age(*sent)-n.cfg.Lease, 0)
}
