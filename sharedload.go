package querycache

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"slices"
	"time"

	"github.com/querycache/querycache/internal/resultset"
)

// sharedKey is what the answer lies under in the shared tier.
func (l *load) sharedKey() []byte {
	h := sha256.New()
	var b []byte
	for _, part := range []string{l.key.ident.shared, l.key.text, l.key.args} {
		b = appendKeyString(b, part)
	}
	h.Write(b)
	return h.Sum(nil)
}

// fromShared looks for the answer in the shared tier. st was taken before: what
// was written since, by this process or others, makes one of the two stamps
// invalid.
func (l *load) fromShared(ctx context.Context, st stamp, args []driver.NamedValue) *resultset.Set {
	s, c := l.session, l.session.cache
	f := l.decision.ident.server.fleet.Load()
	if f == nil || l.lapsed || l.refreshes() || l.key.ident.shared == "" {
		return nil
	}
	t := f.tier.Load()
	if t == nil {
		return nil
	}
	key := l.sharedKey()
	payload, err := t.Get(ctx, key)
	if err != nil || payload == nil {
		return nil
	}
	if c.seal != nil {
		if payload, err = c.seal.Open(t.EntryKey(key), payload); err != nil {
			c.stats.unreadable.Add(1)
			return nil
		}
	}
	e, err := parseShared(payload)
	if err != nil {
		c.stats.unreadable.Add(1)
		return nil
	}
	old := max(f.now(time.Now()).Sub(e.asked), 0)
	if left := min(e.ttl, l.ttl) - old; left <= 0 || !f.node.Valid(e.stamp, slices.Concat(e.tags, l.tags().Names())) ||
		!st.Valid() || !f.node.Alive(age) {
		return nil
	}
	set, err := resultset.Decode(e.rows, l.decision.limits, s.scans(ctx, args))
	if err != nil {
		c.stats.unreadable.Add(1)
		return nil
	}
	c.stats.shared.Add(1)
	s.cache.entries.Set(l.hash, &entry{key: l.key, set: set, stamp: st.Stamp, asked: time.Now().Add(-old)}, min(e.ttl, l.ttl)-old)
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
	e := sharedEntry{stamp: st.fleet, asked: f.now(st.asked), ttl: min(l.ttl, maxShared), tags: l.tags().Names(), rows: rows}
	payload := e.append(make([]byte, 0, len(rows)+256))
	key := l.sharedKey()
	if c.seal != nil {
		payload = c.seal.Seal(nil, t.EntryKey(key), payload)
	}
	t.Set(key, payload, min(left, maxShared))
}
