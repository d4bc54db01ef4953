package remote

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// buckets are the upper ends of [Operation.Buckets].
var buckets = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
}

// Buckets returns the upper ends of the buckets of [Operation.Buckets], bar the
// last, which has none.
func Buckets() []time.Duration { return append([]time.Duration(nil), buckets[:]...) }

// An Operation is how one kind of operation went. Those that were refused
// because Redis was known not to answer are not counted.
type Operation struct {
	Count    int64
	Errors   int64 // timeouts included
	Timeouts int64
	Total    time.Duration // sum of the time of all
	Buckets  [len(buckets) + 1]int64
}

// Stats are the figures of a [Tier] at one moment.
type Stats struct {
	Get, Set, Sync Operation // a Set is counted when it was written, not when it was asked for
	Lease          Operation // whether or not it was got

	Hits, Misses int64 // of Get
	Refused      int64 // Gets that found the breaker open
	Hints        int64 // received
	FillsDropped int64 // Sets that were not written: no room, too large, Redis not answering, closed
	FillsWaiting int64
	FillBytes    int64 // that wait

	Mode    Mode
	Sharded bool  // hints are sharded
	Breaker State // of Get and Set
	Opened  int64 // how often the breaker has opened
}

// Stats returns the current figures.
func (t *Tier) Stats() Stats {
	c := &t.counts
	s := Stats{
		Get: c.get.read(), Set: c.set.read(), Sync: c.sync.read(), Lease: c.lease.read(),
		Hits: c.hits.Load(), Misses: c.misses.Load(), Refused: c.refused.Load(),
		Hints: c.hints.Load(), FillsDropped: c.dropped.Load(),
		Mode: t.server.mode, Sharded: t.server.sharded,
	}
	s.FillsWaiting, s.FillBytes = t.filler.waiting()
	s.Breaker, s.Opened = t.breaker.read()
	return s
}

type counters struct {
	get, set, sync, lease                 operation
	hits, misses, refused, hints, dropped atomic.Int64
}

type operation struct {
	count, errors, timeouts, total atomic.Int64
	buckets                        [len(buckets) + 1]atomic.Int64
}

func (o *operation) add(d time.Duration, err error) {
	o.count.Add(1)
	o.total.Add(int64(d))
	if err != nil {
		o.errors.Add(1)
		if isTimeout(err) {
			o.timeouts.Add(1)
		}
	}
	i := 0
	for i < len(buckets) && d > buckets[i] {
		i++
	}
	o.buckets[i].Add(1)
}

func (o *operation) read() Operation {
	r := Operation{
		Count: o.count.Load(), Errors: o.errors.Load(), Timeouts: o.timeouts.Load(),
		Total: time.Duration(o.total.Load()),
	}
	for i := range o.buckets {
		r.Buckets[i] = o.buckets[i].Load()
	}
	return r
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
