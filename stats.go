package querycache

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/querycache/querycache/invalidation"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/remote"
)

// Stats are the figures of a [Cache] since it was made, at one moment. The
// snapshot is the caller's own.
type Stats struct {
	// Hits are reads answered from the in-process tier.
	Hits int64
	// Misses are cacheable reads that ran a query of their own.
	Misses int64
	// Coalesced are cacheable reads answered by another caller's query that
	// was under way.
	Coalesced int64
	// Stale are reads answered beyond the lifetime of the answer, as their
	// hint or rule allowed.
	Stale int64
	// Refreshes are those before, or after, the end of a lifetime.
	Refreshes RefreshStats
	// Leases are those of loads in the shared tier.
	Leases LeaseStats
	// LoadsWaited are loads that waited because Config.MaxLoads were under way,
	// and LoadsOverran those of them that went on without a place, since none
	// of these had ended for a second.
	LoadsWaited, LoadsOverran int64
	// Shared are the figures of the shared tier.
	Shared SharedStats
	// Stored are answers kept. Discarded are answers that a write made
	// outdated while they were being read.
	Stored, Discarded int64
	// Bypasses counts reads that went to the database uncached, by reason.
	Bypasses map[Reason]int64
	// Invalidations counts writes, and calls of Invalidate, that made
	// answers invalid; InvalidatedAll those of them that made all answers of
	// a database invalid, and Everything why, where that was not asked for.
	Invalidations  int64
	InvalidatedAll int64
	Everything     map[Reason]int64
	// WriteQueries counts the transactions of which the database was asked what
	// they have written.
	WriteQueries int64
	// WriteEscapes counts the tables that those transactions have written
	// without anybody knowing; see Config.SampleWrites.
	WriteEscapes int64
	// MalformedHints counts texts whose hint has a mistake.
	MalformedHints int64
	// Local are the entries, bytes and removals of the in-process tier.
	Local local.Stats
	// Conns are the real connections of all connectors.
	Conns ConnStats
	// HitLatency is the time from the look-up to the rows, of one hit in
	// 64. LoadLatency is the time from the decision to query until the
	// answer was read, of every miss.
	HitLatency, LoadLatency Latency
}

// RefreshStats are the figures of answers that were loaded anew while the old
// one was still shown.
type RefreshStats struct {
	// Started are the refreshes that began. Unchanged are those that found the
	// same rows, Adopted those that found another process's answer in the
	// shared tier, Failed those without an answer that could be kept.
	Started, Unchanged, Adopted, Failed int64
	// Skipped are those that did not begin: no connection was free, as many as
	// Config.MaxLoads were under way, another process was at it, or an argument
	// may change under the hands of its owner.
	Skipped int64
}

// LeaseStats are the figures of the leases by which one process of a fleet
// loads an answer while the others wait for it.
type LeaseStats struct {
	// Taken are loads that held the lease, Expired those of them that took
	// longer than it lasts, so that another process may have loaded too.
	// Answered are those that found another process's answer instead, Overdue
	// those that waited for it in vain, and asked the database without one.
	Taken, Expired, Answered, Overdue int64
}

// SharedStats are the figures of the shared tier; all zero without one.
type SharedStats struct {
	// Hits are reads answered from the shared tier. Unreadable are entries
	// that were damaged, forged, sealed with an unknown key, or of another
	// version: they count as misses.
	Hits, Unreadable int64
	// NotPortable are answers that could not be stored there, because of their
	// types.
	NotPortable int64
	// Databases are the figures of each, in no order.
	Databases []DatabaseStats
}

// DatabaseStats are the figures of one database's part in the shared tier.
type DatabaseStats struct {
	Node invalidation.NodeStats
	Tier remote.Stats // zero as long as Redis was not reached
	// Live: answers are used, since it is known what other processes write.
	Live bool
}

// ConnStats are the real connections to the databases.
type ConnStats struct {
	Open  int   // idle, in use or being opened
	Idle  int   // kept for the next statement
	Dials int64 // opened since the start, or tried to
	Waits int64 // times that a statement had to wait for one
}

// HitRatio is the share of cacheable reads that needed no query of their own,
// from 0 to 1; 0 if there were none.
func (s Stats) HitRatio() float64 {
	saved := s.Hits + s.Coalesced + s.Shared.Hits
	if saved == 0 {
		return 0
	}
	return float64(saved) / float64(saved+s.Misses)
}

// Stats returns the current figures.
func (c *Cache) Stats() Stats {
	n := &c.stats
	st := Stats{
		Hits: n.hits.Load(), Misses: n.misses.Load(), Coalesced: n.coalesced.Load(),
		Stored: n.stored.Load(), Discarded: n.discarded.Load(),
		Bypasses: n.bypasses.snapshot(), Everything: n.everything.snapshot(),
		MalformedHints: n.malformed.Load(),
		WriteQueries:   n.asked.Load(), WriteEscapes: n.escaped.Load(),
		Local:      c.entries.Stats(),
		HitLatency: n.hitTime.snapshot(), LoadLatency: n.loadTime.snapshot(),
	}
	st.Stale = n.stale.Load()
	st.Refreshes = RefreshStats{
		Started: n.refreshes.Load(), Unchanged: n.unchanged.Load(), Adopted: n.adopted.Load(),
		Failed: n.unrefreshed.Load(), Skipped: n.skipped.Load(),
	}
	st.Leases = LeaseStats{Taken: n.leases.Load(), Expired: n.expired.Load(), Answered: n.leased.Load(), Overdue: n.overdue.Load()}
	st.LoadsWaited, st.LoadsOverran = c.limiter.Stats()
	st.Invalidations, st.InvalidatedAll = n.gone.Load(), n.goneAll.Load()
	for _, srv := range c.servers.all() {
		total, all := srv.space.Bumps()
		st.Invalidations += total
		st.InvalidatedAll += all
	}
	st.Shared = SharedStats{Hits: n.shared.Load(), Unreadable: n.unreadable.Load(), NotPortable: n.unportable.Load()}
	for _, srv := range c.servers.all() {
		if f := srv.fleet.Load(); f != nil {
			st.Shared.Databases = append(st.Shared.Databases, f.stats())
		}
	}
	st.Conns = c.origins.stats()
	return st
}

// counters are the figures that the hot path moves.
type counters struct {
	hits       atomic.Int64
	_          [56]byte // the counter of hits has a cache line of its own
	misses     atomic.Int64
	coalesced  atomic.Int64
	stored     atomic.Int64
	discarded  atomic.Int64
	malformed  atomic.Int64
	stale      atomic.Int64
	escaped    atomic.Int64
	asked      atomic.Int64 // transactions of which the database was asked what they wrote
	shared     atomic.Int64 // answers from the shared tier
	unreadable atomic.Int64
	unportable atomic.Int64
	gone       atomic.Int64 // invalidations in databases that were closed
	goneAll    atomic.Int64

	refreshes, unchanged, adopted, unrefreshed, skipped atomic.Int64
	leases, expired, leased, overdue                    atomic.Int64

	bypasses   byReason
	everything byReason
	hitTime    histogram
	loadTime   histogram
}

// hit counts a hit, and times it if it was chosen to be timed.
func (n *counters) hit(start time.Time) {
	n.hits.Add(1)
	if !start.IsZero() {
		n.hitTime.add(time.Since(start))
	}
}

// aged counts an answer near or past its end.
func (n *counters) aged(source Source, start time.Time) {
	if source == Stale {
		n.stale.Add(1)
		return
	}
	n.hit(start)
}

func (n *counters) loaded(took time.Duration, background bool) {
	if !background { // nobody has read
		n.misses.Add(1)
	}
	n.loadTime.add(took)
}

// byReason counts by reason. The zero value is ready.
type byReason struct {
	// noTTL has a counter of its own: it is what every statement that
	// nobody asked to cache pays.
	noTTL  atomic.Int64
	counts sync.Map // Reason -> *atomic.Int64
}

func (b *byReason) add(r Reason) {
	switch r {
	case "":
		return
	case ReasonNoTTL:
		b.noTTL.Add(1)
		return
	}
	n, ok := b.counts.Load(r)
	if !ok {
		n, _ = b.counts.LoadOrStore(r, new(atomic.Int64))
	}
	n.(*atomic.Int64).Add(1)
}

func (b *byReason) snapshot() map[Reason]int64 {
	out := make(map[Reason]int64)
	if n := b.noTTL.Load(); n > 0 {
		out[ReasonNoTTL] = n
	}
	b.counts.Range(func(r, n any) bool {
		out[r.(Reason)] = n.(*atomic.Int64).Load()
		return true
	})
	return out
}
