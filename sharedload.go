package querycache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"math"
	"time"

	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/remote"
)

// sharedKey is what the answer lies under in the shared tier.
func (l *load) sharedKey() []byte {
	var room [512]byte
	b := room[:0]
	for _, part := range []string{l.key.ident.shared, l.key.text, l.key.args} {
		b = appendKeyString(b, part)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// maxSkew is by how much two processes may differ about the clock of Redis, which
// each knows to half a round trip.
const maxSkew = time.Second

// fromShared looks for the answer in the shared tier.
func (l *load) fromShared(ctx context.Context, st stamp, args []driver.NamedValue) *resultset.Set {
	t := l.tier()
	if t == nil {
		return nil
	}
	key := l.sharedKey()
	payload, err := t.Get(ctx, key)
	if err != nil || payload == nil {
		return nil
	}
	return l.adopt(ctx, t, key, payload, st, args)
}

// adopt judges what lay in the shared tier, and keeps it here if it is good. st
// was taken before it was asked for: what was written since, by this process or
// others, makes one of the two stamps invalid.
func (l *load) adopt(ctx context.Context, t *remote.Tier, key, payload []byte, st stamp, args []driver.NamedValue) *resultset.Set {
	s, c := l.session, l.session.cache
	f := l.decision.ident.server.fleet.Load()
	if l.unreadable != nil && bytes.Equal(payload, l.unreadable) {
		return nil // looked at again, with the lease
	}
	stored := payload
	unreadable := func() *resultset.Set {
		l.unreadable = stored
		c.stats.unreadable.Add(1)
		return nil
	}
	if c.seal != nil {
		var err error
		if payload, err = c.seal.Open(t.EntryKey(key), payload); err != nil {
			return unreadable()
		}
	}
	tags := l.tags().Names()
	e, err := parseShared(payload, key, tags...)
	if err != nil {
		return unreadable()
	}
	l.plan.cost.Learn(e.cost)
	old := f.now(time.Now()).Sub(e.asked)
	if old < -maxSkew {
		return nil // a clock was set: nobody knows how old it is
	}
	old = max(old, 0)
	ttl := min(e.ttl, l.ttl)
	here := st.Stamp
	valid := f.node.Valid(e.stamp, tags) && f.node.Valid(e.stamp, e.tags)
	if !valid && l.keeps() && f.node.Kept(e.stamp, tags) && f.node.Kept(e.stamp, e.tags) {
		valid, here = true, here.OnlyKept()
	}
	if old >= ttl || !valid || !l.good(&st.Stamp) || !f.node.Alive(age) {
		return nil
	}
	refreshes := l.background || l.claimed
	if refreshes && old > age(l.old.asked)/2 {
		return nil // the one that is to be refreshed
	}
	set, err := resultset.Decode(e.rows, l.decision.limits, s.scans(ctx, args))
	if err != nil {
		return unreadable()
	}
	if refreshes {
		c.stats.adopted.Add(1)
	}
	if !l.background {
		c.stats.shared.Add(1)
	}
	l.keep(set, here, time.Now().Add(-old), ttl)
	l.opts.report(Remote, "", old, l.ttl)
	return set
}

// toShared offers an answer to the others.
func (l *load) toShared(set *resultset.Set, st stamp, left time.Duration) {
	c := l.session.cache
	f := l.decision.ident.server.fleet.Load()
	if f == nil || l.key.ident.shared == "" || st.fleet.Epoch == "" {
		return
	}
	t := f.tier.Load()
	if t == nil {
		return
	}
	rows, err := set.AppendBinary(nil)
	if err != nil {
		c.stats.unportable.Add(1)
		return
	}
	if mistake.Made(mistake.Delete) {
		st.fleet.Seq = math.MaxUint64
	}
	e := sharedEntry{
		stamp: st.fleet, asked: f.now(st.asked), ttl: min(l.ttl, maxShared), cost: l.plan.cost.Load(),
		tags: l.tags().Names(), rows: rows,
	}
	key := l.sharedKey()
	payload := e.append(make([]byte, 0, len(rows)+256), key)
	if c.seal != nil {
		payload = c.seal.Seal(nil, t.EntryKey(key), payload)
	}
	t.SetLeased(key, payload, min(left, maxShared), l.handOver())
}

// handOver returns the lease, if one is held, for others to have.
func (l *load) handOver() remote.Lease {
	lease := l.lease
	l.lease = remote.Lease{}
	if lease.Held() && time.Now().After(l.until) {
		l.session.cache.stats.expired.Add(1)
	}
	return lease
}

// yield gives back a lease without an answer.
func (l *load) yield() {
	lease := l.handOver()
	if f := l.decision.ident.server.fleet.Load(); f != nil && lease.Held() {
		if t := f.tier.Load(); t != nil {
			t.Release(lease)
		}
	}
}
