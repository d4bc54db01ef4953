package local

import (
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// Cause is why an entry was removed.
type Cause uint8

const (
	Expired     Cause = iota // its lifetime or idle time ended
	Evicted                  // room was needed
	Invalidated              // [Cache.Remove] or [Cache.Clear]
	Replaced                 // the same key was set again
	causes
)

var causeNames = [...]string{"expired", "evicted", "invalidated", "replaced"}

// String returns the cause in lower case.
func (c Cause) String() string {
	if c < causes {
		return causeNames[c]
	}
	return "invalid"
}

// A Removal tells of an entry that was removed: not which, since keys and
// values may hold what must not reach a log.
type Removal struct {
	Cause Cause
	Bytes int // what it held, bookkeeping included
}

func causeOf(c otter.DeletionCause) Cause {
	switch c {
	case otter.CauseExpiration:
		return Expired
	case otter.CauseOverflow:
		return Evicted
	case otter.CauseReplacement:
		return Replaced
	}
	return Invalidated
}

// Stats are the figures of a [Cache] at one moment.
type Stats struct {
	Entries  int64 // about; expired ones that are not yet swept included
	Bytes    int64 // what they hold on the heap
	MaxBytes int64
	// Expired, Evicted, Invalidated and Replaced count removals by cause.
	Expired, Evicted, Invalidated, Replaced int64
	// TooLarge counts values that were not stored, being heavier than the
	// whole cache may be.
	TooLarge int64
	// Untold counts removals that Config.OnRemoval was too slow for.
	Untold int64
}

// counters are moved under otter's locks, so that each removal is counted
// once and when it happens.
type counters struct {
	removed  [causes]atomic.Int64
	tooLarge atomic.Int64
	untold   atomic.Int64
}
