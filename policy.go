package querycache

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/invalidation"
)

// A decision is what is done with a text for one identity and one catalog. What
// it says is immutable and shared.
type decision struct {
	ident *identity
	// catalog is the id of the snapshot that it was made with: the snapshot
	// itself must not be kept by decisions that nobody asks for any more.
	catalog uint64
	// kept: it is in the memo.
	kept atomic.Bool

	// refuse is why a read is not cached, whatever its lifetime.
	refuse Reason
	// unasked: the session has to be asked for settings first.
	unasked bool
	// ttl is the lifetime by hint, rule or default; 0: none.
	ttl time.Duration
	// stale is for how much longer it may be shown while a new one is being
	// read, or cannot be.
	stale  time.Duration
	limits resultset.Limits
	// keep: an answer outlives the writes of other processes; see keeps.
	keep bool
	// tables are the relations that the answer depends on; tags add those
	// that a hint gives.
	tables []string
	tags   invalidation.Tags

	// writes is what the statement may write, everything if why is set.
	writes       invalidation.Tags
	writesTables []string
	why          Reason
	taints       bool // the session may be changed by what is called
	strays       bool // even what names mean there
	beyond       bool // see dialect.Resolution
	astray       Reason
	alters       bool // the schema may be
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

// keeps reports whether answers that lack writes of other processes may be shown.
// Who asks for certain writes, by a token, is not shown them.
func (d *decision) keeps(opts *options) bool {
	return d.keep && (opts == nil || len(opts.notBefore) == 0)
}

func (c *Cache) newDecision(p *plan, ident *identity, snap *snapshot) *decision {
	d := &decision{ident: ident, catalog: snap.id, limits: c.cfg.limits()}
	srv := ident.server
	resolved := snap.catalog.Resolve(p.stmt, ident.session)
	d.taints, d.strays = resolved.Taints, resolved.Taints && !resolved.NamesStay
	d.beyond, d.astray = resolved.Beyond, resolved.Astray
	d.why = resolved.Everything
	d.writesTables = resolved.Writes
	d.writes = srv.tags(resolved.Writes)
	if d.why == "" && srv.escapes.writes(resolved.Writes) {
		d.why = ReasonEscaped
	}
	if d.why != "" {
		d.writes = invalidation.Everything()
	}
	switch d.why {
	case dialect.ReasonVolatile, dialect.ReasonUnknownFunc:
		d.alters = true // a function that writes may do anything
	case dialect.ReasonSystemTable:
		d.alters = true // a catalog is the schema
	}
	if !p.readable() {
		d.refuse = dialect.ReasonNotRead
		return d
	}
	d.refuse, d.unasked = resolved.Refuse, resolved.Unasked
	relations := resolved.Reads
	if len(p.hint.tables) > 0 {
		relations = d.vouch(p, relations, snap.catalog)
	}
	d.tables = relations
	d.tags = srv.space.Tags(slices.Concat(relationTags(relations), userTags(p.hint.tags))...)
	c.applyRules(d, p, relations, snap, ident)
	if d.refuse == "" && p.hint.off {
		d.refuse = ReasonOff
	}
	if d.refuse == "" && srv.escapes.reads(relations) {
		d.refuse = ReasonEscaped
	}
	if p.badHint {
		d.refuse = ReasonMalformedHint
	}
	return d
}

// vouch adds the relations that a hint declares. They lift a refusal that
// comes from the text or the catalog, not a firm one, be it for what the text
// names or for what the hint does.
func (d *decision) vouch(p *plan, relations []string, catalog dialect.Catalog) []string {
	relations = slices.Clone(relations)
	for _, table := range p.hint.tables {
		tags, ok := catalog.Tags(table, d.ident.session)
		if !ok {
			d.refuse = ReasonTable
			return relations
		}
		for _, tag := range tags {
			if !slices.Contains(relations, tag) {
				relations = append(relations, tag)
			}
		}
	}
	// What a function reads is named by the hint only: read it as a query would.
	named := catalog.Resolve(&dialect.Statement{Kind: dialect.Read, SingleRead: true, Reads: p.hint.tables}, d.ident.session)
	d.unasked = d.unasked || named.Unasked
	if d.refuse = d.refuse.Or(named.Refuse); d.refuse.Firm() || !p.stmt.SingleRead {
		return relations
	}
	d.refuse = ""
	return relations
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
		d.ttl, d.stale, d.keep = rule.TTL, rule.Stale, rule.KeepOnWrite
		if rule.MaxRows > 0 {
			d.limits.Rows = rule.MaxRows
		}
	}
	h := &p.hint
	d.keep = d.keep || h.keep
	if h.ttl > 0 {
		d.ttl = h.ttl
	}
	if h.stale > 0 {
		d.stale = h.stale
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
