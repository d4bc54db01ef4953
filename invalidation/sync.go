package invalidation

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"github.com/querycache/querycache/internal/mistake"
)

// A batch is what waits for the next Sync.
type batch struct {
	bump    map[string]bool
	unknown bool
	tickets []*ticket
}

func (b *batch) empty() bool { return len(b.bump) == 0 && len(b.tickets) == 0 }

func (b *batch) add(tags []string) {
	if b.bump == nil {
		b.bump = make(map[string]bool)
	}
	for _, tag := range tags {
		b.bump[tag] = true
	}
}

// A ticket is one who waits.
type ticket struct {
	done chan struct{} // closed when a Sync that came after it was answered
	then func()        // called before done is closed
}

func (n *Node) ticketLocked(then func()) *ticket {
	t := &ticket{done: make(chan struct{}), then: then}
	n.next.tickets = append(n.next.tickets, t)
	return t
}

// wait waits for a ticket, for as long as a write waits at most.
func (n *Node) wait(ctx context.Context, t *ticket) bool {
	if n.failed.Load() {
		// It does not answer, as is known: nobody waits for that again.
		select {
		case <-t.done:
			return true
		default:
			return false
		}
	}
	timer := time.NewTimer(n.cfg.Timeout)
	defer timer.Stop()
	select {
	case <-t.done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// sync is one Sync. The node's own goroutine calls it, or Close after that has
// ended, or a write after Close.
func (n *Node) sync(ctx context.Context) {
	n.one.Lock()
	defer n.one.Unlock()
	n.mu.Lock()
	b := n.next
	n.next = batch{}
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
	bump := make([]string, 0, len(b.bump)+len(open))
	for tag := range b.bump {
		bump = append(bump, tag)
	}
	for tag := range open {
		if !b.bump[tag] {
			bump = append(bump, tag)
		}
	}
	quiet := n.quiet.busy(bump, now)
	if mistake.Made(mistake.NoRecord) {
		keep = nil
	}
	n.acked = n.acked.within(keep)
	n.mu.Unlock()
	slices.Sort(bump)

	v := n.view.Load()
	timeout := n.cfg.Timeout
	if v.epoch == "" {
		timeout = n.cfg.Lease // the first one has to dial
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sent := time.Now()
	reply, err := n.store.Sync(ctx, Request{
		Nonce: rand.Text(), Epoch: v.epoch, After: v.cursor(),
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
		// The last bump of the Sync is its own. Until the tickets are done its
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
	for _, t := range b.tickets {
		if t.then != nil {
			t.then()
		}
		close(t.done)
	}
}

// putBack keeps what was not acknowledged for the next Sync.
func (n *Node) putBack(b batch, err error) {
	n.stats.syncErrors.Add(1)
	n.mu.Lock()
	for tag := range b.bump {
		n.next.add([]string{tag})
	}
	n.next.unknown = n.next.unknown || b.unknown
	n.next.tickets = append(b.tickets, n.next.tickets...)
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
	if r.Epoch != v.epoch {
		fresh := newView(r.Epoch)
		for _, c := range r.Changed {
			fresh.raise(c.Tag, c.Seq)
		}
		fresh.advance(r.Seq)
		if mistake.Made(mistake.TornView) {
			fresh.seen = v.stamp().Seq
		}
		n.view.Store(fresh)
		// What was known before says nothing about this epoch.
		n.cfg.Altered()
		n.space.revoke(All)
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
