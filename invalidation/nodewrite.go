package invalidation

import (
	"context"
	"time"
)

// announce puts tags into the record and waits until the store has it. It does
// not wait if it had it before, and will for long enough. The write is under
// way until leave is called.
func (n *Node) announce(ctx context.Context, tags []string) error {
	n.touch()
	n.mu.Lock()
	now := time.Now()
	n.record.add(tags, now)
	for _, tag := range tags {
		n.underWay[tag]++
	}
	if n.acked.covers(tags, now) {
		n.mu.Unlock()
		return nil
	}
	round := n.askLocked()
	n.mu.Unlock()
	n.ask(round)
	if n.wait(ctx, round) {
		return nil
	}
	// The statement may meet the context's error or, with a driver that does not
	// look at once, be done all the same.
	ended := ctx.Err()
	if ended != nil && !n.cfg.Fail {
		return nil
	}
	n.stats.unannounced.Add(1)
	switch {
	case !n.cfg.Fail:
		return nil
	case ended != nil:
		return ended
	}
	return ErrUnannounced
}

// register is announce for a write that is still some time away.
func (n *Node) register(tags []string) {
	n.touch()
	n.mu.Lock()
	now := time.Now()
	n.record.add(tags, now)
	covered := n.acked.covers(tags, now)
	n.mu.Unlock()
	if !covered {
		n.signal()
	}
}

// keepOpen makes every Sync bump the tags until the write leaves.
func (n *Node) keepOpen(tags []string) *openWrite {
	w := &openWrite{tags: tags}
	n.mu.Lock()
	n.record.add(tags, time.Now())
	n.open[w] = struct{}{}
	n.mu.Unlock()
	return w
}

// leave notes that a write is no longer under way.
func (n *Node) leave(w *Write) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leaveLocked(w)
}

func (n *Node) leaveLocked(w *Write) {
	if w.announced {
		w.announced = false
		for _, tag := range w.tags.Names() {
			if n.underWay[tag]--; n.underWay[tag] <= 0 {
				delete(n.underWay, tag)
			}
		}
	}
	if w.open != nil {
		delete(n.open, w.open)
		w.open = nil
	}
}

// ask asks for the Sync of a round. After Close nobody else does one; those who
// write then do it together: who has waited for its turn while the round was tried
// does not try again.
func (n *Node) ask(round uint64) {
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	if !closed {
		n.signal()
		return
	}
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	n.mu.Lock()
	tried := n.sent >= round
	n.mu.Unlock()
	if tried {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.Timeout)
	defer cancel()
	n.sync(ctx)
}

// publish tells the fleet of a write that has ended, and cleans its tags when
// that is acknowledged. Its caller may be long gone then.
func (n *Node) publish(w Write, unknown bool) {
	n.touch()
	tags := w.tags.Names()
	n.mu.Lock()
	n.record.add(tags, time.Now())
	if w.revokes || unknown {
		// What may yet be changed, who knows when, is kept by nobody: this
		// node will not know that it was its own.
		n.next.add(w, tags, keptOfAll(tags))
	} else {
		n.next.add(w, tags)
	}
	n.next.unknown = n.next.unknown || unknown
	n.untold++
	round := n.askLocked()
	n.leaveLocked(&w)
	n.mu.Unlock()
	n.ask(round)
	if !n.wait(context.Background(), round) {
		n.stats.late.Add(1)
	}
}
