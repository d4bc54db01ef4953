package invalidation

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"github.com/querycache/querycache/internal/mistake"
)

// askLocked asks for a Sync that is sent from now on, and returns its round, for
// [Node.wait].
func (n *Node) askLocked() (round uint64) {
	n.next.asked = true
	return n.sent + 1
}

// wait waits until the Sync of a round or a later one is answered, for as long as
// a write waits at most.
func (n *Node) wait(ctx context.Context, round uint64) bool {
	if n.failed.Load() {
		// It does not answer, as is known: nobody waits for that again.
		return n.answered.Load() >= round
	}
	timer := time.NewTimer(n.cfg.Timeout)
	defer timer.Stop()
	for {
		n.mu.Lock()
		news := n.news
		n.mu.Unlock()
		if n.answered.Load() >= round {
			return true
		}
		select {
		case <-news:
		case <-timer.C:
			return n.answered.Load() >= round
		case <-ctx.Done():
			return false
		}
	}
}

// sync is one Sync. Its caller has the turn.
func (n *Node) sync(ctx context.Context) {
	n.mu.Lock()
	b := n.next
	n.next = batch{}
	n.sent++
	round := n.sent
	now := time.Now()
	open := make(map[string]bool)
	for w := range n.open {
		for _, tag := range w.tags {
			open[tag] = true
		}
	}
	stay := maps.Clone(open)
	for tag := range n.underWay {
		stay[tag] = true
	}
	keep := n.record.list(now, stay)
	if n.closed && len(stay) == 0 {
		keep = nil
	}
	maps.Copy(open, b.bump)
	bump := slices.Sorted(maps.Keys(bounded(open)))
	quiet := n.quiet.busy(bump, now)
	if mistake.Made(mistake.NoRecord) {
		keep = nil
	}
	n.acked = n.acked.within(keep)
	n.mu.Unlock()

	v := n.view.Load()
	timeout := n.cfg.Timeout
	if v.epoch == "" {
		timeout = n.cfg.Lease // the first one has to dial
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	seen := v.stamp().Seq
	if mistake.Made(mistake.TornView) {
		seen = v.cursor() // or the store would find it out
	}
	sent := time.Now()
	reply, err := n.store.Sync(ctx, Request{
		Nonce: rand.Text(), Epoch: v.epoch, After: v.cursor(), Seen: seen,
		Record: keep, Bump: bump, Unknown: b.unknown, Quiet: quiet,
	})
	n.stats.syncs.Add(1)
	if err != nil {
		n.putBack(b, err)
		return
	}
	if mistake.Made(mistake.IgnoreEpoch) && len(bump) > 0 && v.epoch != "" {
		reply.Epoch = v.epoch
	}
	n.apply(v, reply)
	if len(bump) > 0 {
		// The last bump of the Sync is its own. Until the writes are clean its
		// tags are dirty, so nobody relies on this before it is there.
		n.wrote(bump, reply.Seq)
	}
	n.mu.Lock()
	// Renewed in time it never runs out; the poll after next would be late.
	n.acked = announced(keep, sent.Add(n.cfg.Deadline-n.cfg.Poll))
	recovered := n.failing
	n.failing = false
	n.failed.Store(false)
	closed := n.closed
	n.mu.Unlock()
	if !closed {
		n.lease.Store(&sent)
	}
	if recovered || v.epoch == "" {
		select {
		case n.relisten <- struct{}{}:
		default:
		}
	}
	if recovered {
		n.cfg.Logger.Info("querycache: the shared tier answers again")
	}
	b.ended.clean()
	n.space.settling.ended()
	n.mu.Lock()
	n.untold -= b.ended.writes
	n.answered.Store(round)
	close(n.news)
	n.news = make(chan struct{})
	n.mu.Unlock()
}

// putBack keeps what was not acknowledged for the next Sync.
func (n *Node) putBack(b batch, err error) {
	n.stats.syncErrors.Add(1)
	n.mu.Lock()
	n.next.merge(b, n.space)
	first := !n.failing && n.ctx.Err() == nil
	n.failing = true
	n.failed.Store(true)
	n.mu.Unlock()
	if first {
		n.cfg.Logger.Warn("querycache: the shared tier does not answer: reads go to the database until it does", "error", err)
	}
}

// apply takes a reply in.
func (n *Node) apply(v *view, r Reply) {
	n.hearing <- struct{}{}
	defer func() { <-n.hearing }()
	if r.Epoch != v.epoch {
		fresh := newView(r.Epoch)
		for _, c := range r.Changed {
			fresh.raise(c.Tag, c.Seq)
		}
		if mistake.Made(mistake.TornView) {
			fresh.seen = v.stamp().Seq
		}
		n.view.Store(fresh)
		// What was known before says nothing about this epoch.
		n.cfg.Altered()
		n.space.revoke(All)
		fresh.advance(r.Seq)
		n.stats.epochs.Add(1)
		return
	}
	for _, c := range r.Changed {
		if c.Tag == Schema {
			n.learn(v, c.Tag, c.Seq) // first: see there
		}
	}
	for _, c := range r.Changed {
		n.learn(v, c.Tag, c.Seq)
	}
	v.advance(r.Seq)
}
