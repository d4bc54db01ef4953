package querycache

import (
	"slices"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/invalidation"
)

// A decision is what is done with a text for one identity and one catalog. It
// is immutable and shared.
type decision struct {
	ident *identity
	snap  *snapshot

	// refuse is why a read is not cached, whatever its lifetime.
	refuse Reason
	// ttl is the lifetime by hint, rule or default; 0: none.
	ttl    time.Duration
	limits resultset.Limits
	// tables are the relations that the answer depends on; tags add those
	// that a hint gives.
	tables []string
	tags   invalidation.Tags

	// writes is what the statement may write, everything if why is set.
	writes       invalidation.Tags
	writesTables []string
	why          Reason
	taints       bool // the session may be changed by what is called
	alters       bool // the schema may be
}

// decide returns the decision for p. It is remembered with the plan as long
// as identity and catalog stay.
func (c *Cache) decide(p *plan, ident *identity, snap *snapshot) *decision {
	place := &p.decided[ident.hash%uint64(len(p.decided))]
	if d := place.Load(); d != nil && d.ident == ident && d.snap == snap {
		return d
	}
	d := c.newDecision(p, ident, snap)
	place.Store(d)
	return d
}

// lifetime returns how long an answer to the read may be shown, or why it is
// not cached. The context is stronger than hint, rule and default.
func (d *decision) lifetime(opts *options) (time.Duration, Reason) {
	ttl := d.ttl
	if opts != nil && opts.ttl > 0 {
		ttl = opts.ttl
	}
	if d.refuse == "" && ttl == 0 {
		return 0, ReasonNoTTL
	}
	return ttl, d.refuse
}

func (c *Cache) newDecision(p *plan, ident *identity, snap *snapshot) *decision {
	d := &decision{ident: ident, snap: snap, limits: c.cfg.limits()}
	srv := ident.server
	resolved := snap.catalog.Resolve(p.stmt, ident.session)
	d.taints = resolved.Taints
	d.why = resolved.Everything
	d.writesTables = resolved.Writes
	d.writes = srv.tags(resolved.Writes)
	if d.why != "" {
		d.writes = invalidation.Everything()
	}
	switch d.why {
	case dialect.ReasonVolatile, dialect.ReasonUnknownFunc:
		d.alters = true // a function that writes may do anything
	}
	if !p.readable() {
		d.refuse = dialect.ReasonNotRead
		return d
	}
	d.refuse = resolved.Refuse
	relations := resolved.Reads
	if len(p.hint.tables) > 0 {
		relations, d.refuse = vouch(p, relations, d.refuse, snap, ident)
	}
	d.tables = relations
	d.tags = srv.space.Tags(slices.Concat(relationTags(relations), userTags(p.hint.tags))...)
	c.applyRules(d, p, relations, snap, ident)
	if d.refuse == "" && p.hint.off {
		d.refuse = ReasonOff
	}
	if p.badHint {
		d.refuse = ReasonMalformedHint
	}
	return d
}

// vouch adds the relations that a hint declares. They lift a refusal that
// comes from the text or the catalog, not one that protects a session.
func vouch(p *plan, relations []string, refuse Reason, snap *snapshot, ident *identity) ([]string, Reason) {
	relations = slices.Clone(relations)
	for _, table := range p.hint.tables {
		tags, ok := snap.catalog.Tags(table, ident.session)
		if !ok {
			return relations, ReasonTable
		}
		for _, tag := range tags {
			if !slices.Contains(relations, tag) {
				relations = append(relations, tag)
			}
		}
	}
	switch refuse {
	case dialect.ReasonTempTable, dialect.ReasonAttached, dialect.ReasonMemory,
		dialect.ReasonDirtyReads, dialect.ReasonLocking, dialect.ReasonMulti,
		dialect.ReasonSessionFunc, dialect.ReasonHolds, dialect.ReasonStrings,
		dialect.ReasonRowSecurity, dialect.ReasonReplica:
		return relations, refuse
	}
	if !p.stmt.SingleRead {
		return relations, refuse
	}
	return relations, ""
}

// applyRules sets lifetime and limits: a hint is stronger than a rule, a rule
// than the default, and off is stronger than all of them.
func (c *Cache) applyRules(d *decision, p *plan, relations []string, snap *snapshot, ident *identity) {
	d.ttl = c.cfg.DefaultTTL
	found := false
	for i := range c.cfg.Rules {
		rule := &c.cfg.Rules[i]
		all, some := rule.covers(relations, snap, ident)
		if rule.Off && some {
			d.refuse = ReasonOff
		}
		if rule.Off || !all || found {
			continue
		}
		found = true
		d.ttl = rule.TTL
		if rule.MaxRows > 0 {
			d.limits.Rows = rule.MaxRows
		}
	}
	h := &p.hint
	if h.ttl > 0 {
		d.ttl = h.ttl
	}
	if h.maxRows > 0 {
		d.limits.Rows = h.maxRows
	}
	if h.maxBytes > 0 {
		d.limits.Bytes = h.maxBytes
	}
}

// covers reports whether the rule lists all, and some, of the relations.
func (r *Rule) covers(relations []string, snap *snapshot, ident *identity) (all, some bool) {
	listed := make([]string, 0, len(r.Tables))
	for _, name := range r.Tables {
		table, err := parseTable(name)
		if err != nil {
			continue // refused by Config.compile
		}
		if tags, ok := snap.catalog.Tags(table, ident.session); ok {
			listed = append(listed, tags...)
		}
	}
	n := 0
	for _, relation := range relations {
		if slices.Contains(listed, relation) {
			n++
		}
	}
	return n > 0 && n == len(relations), n > 0
}
