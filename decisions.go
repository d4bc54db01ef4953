package querycache

import (
	"sync/atomic"

	"github.com/querycache/querycache/local"
)

// decisions are those that had to leave their place in a plan for that of another
// session, so that more sessions than a plan has places for do not decide anew
// all the time.
type decisions = local.Cache[decisionKey, *decision]

type decisionKey struct {
	plan  *plan
	ident *identity
}

// decisionBytes bounds the memo.
const decisionBytes = 8 << 20

func newDecisions() (*decisions, error) {
	return local.NewMemo(decisionBytes, func(_ decisionKey, d *decision) int {
		n := 512 // with its tags
		for _, names := range [][]string{d.tables, d.writesTables} {
			for _, name := range names {
				n += 64 + len(name)
			}
		}
		return n
	})
}

// catalogs counts those that were read: see snapshot.id.
var catalogs atomic.Uint64

// decide returns the decision for p. It is remembered with the plan, or else in a
// memo of all plans, as long as identity and catalog stay.
func (c *Cache) decide(p *plan, ident *identity, snap *snapshot) *decision {
	place := p.place(ident)
	last := place.Load()
	if last != nil && last.ident == ident && last.catalog == snap.id {
		return last
	}
	d, ok := c.decisions.Get(decisionKey{p, ident})
	if !ok || d.catalog != snap.id {
		d = c.newDecision(p, ident, snap)
	}
	place.Store(d)
	if last != nil && last.ident != ident && last.catalog == snap.id && last.kept.CompareAndSwap(false, true) {
		c.decisions.Set(decisionKey{p, last.ident}, last, 0)
	}
	return d
}

// forget drops a decision whose tags or catalog are outdated.
func (c *Cache) forget(p *plan, d *decision) {
	p.place(d.ident).CompareAndSwap(d, nil)
	c.decisions.Remove(decisionKey{p, d.ident}, func(x *decision) bool { return x == d })
}

// place returns where the decision for an identity is.
func (p *plan) place(ident *identity) *atomic.Pointer[decision] {
	return &p.decided[ident.hash%uint64(len(p.decided))]
}
