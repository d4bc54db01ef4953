package stampede

import "time"

// Times of the lease that lets one process of a fleet load an answer while the
// others wait for it.
const (
	// leaseFrom is what a query has to cost to be worth a lease: below it, the
	// round trips cost more than the queries saved.
	leaseFrom = 5 * time.Millisecond
	// unknownCost is what is assumed of a query that has not run yet.
	unknownCost = 50 * time.Millisecond

	minLease, maxLease = 100 * time.Millisecond, 5 * time.Second
	firstPause         = 5 * time.Millisecond
	maxPause           = 40 * time.Millisecond
)

// Worth reports whether a query of this cost, 0 if unknown, is worth a lease.
func Worth(cost time.Duration) bool { return cost == 0 || cost >= leaseFrom }

// LeaseTTL returns for how long a process may load before another takes over:
// four times the cost, from 100 ms to 5 s.
func LeaseTTL(cost time.Duration) time.Duration {
	return min(max(4*assumed(cost), minLease), maxLease)
}

// LeaseWait returns for how long one waits for another process's answer before
// it asks the database as well: until a lease that was taken when the wait began
// has ended, and one of those who wait has had the time to take it over. Were it
// less, all of them would ask at once when a query takes longer than it used to.
func LeaseWait(cost time.Duration) time.Duration { return LeaseTTL(cost) + 2*maxPause }

func assumed(cost time.Duration) time.Duration {
	if cost == 0 {
		return unknownCost
	}
	return cost
}

// A Pause is the time between two looks for another's answer: 5, 10, 20, 40,
// 40 … ms, each less a random share of up to a half. The zero value is ready.
type Pause struct{ last time.Duration }

// Next returns the next pause; u is uniform in [0, 1).
func (p *Pause) Next(u float64) time.Duration {
	p.last = min(max(2*p.last, firstPause), maxPause)
	return p.last - time.Duration(u/2*float64(p.last))
}
