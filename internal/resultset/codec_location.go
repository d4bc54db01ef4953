package resultset

import (
	"sync"
	"time"
)

// maxLocations is how many locations of a kind are kept: more than there are
// names of zones, and than there are fixed zones in use. More are made again
// each time.
const maxLocations = 1024

// locations are kept for all Sets, since package time reads the one kind from
// disk and allocates the other each time. Safe for concurrent use.
type locations[K comparable] struct {
	mu   sync.RWMutex
	held map[K]*time.Location
}

// get returns the location of k, and makes it if it is not held.
func (l *locations[K]) get(k K, make func(K) (*time.Location, error)) (*time.Location, error) {
	l.mu.RLock()
	loc, ok := l.held[k]
	l.mu.RUnlock()
	if ok {
		return loc, nil
	}
	loc, err := make(k)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) < maxLocations {
		if l.held == nil {
			l.held = map[K]*time.Location{}
		}
		l.held[k] = loc
	}
	return loc, nil
}

type fixedZone struct {
	name   string
	offset int
}

var (
	named      locations[string]
	fixedZones locations[fixedZone]
)

// locate returns the location that time.LoadLocation has for a name.
func locate(name string) (*time.Location, error) {
	switch name {
	case "", "UTC", "Local":
		return nil, errZoneData // these are not of that kind
	}
	return named.get(name, time.LoadLocation)
}

// fixed returns a location that is at the same offset always.
func fixed(name string, offset int) *time.Location {
	loc, _ := fixedZones.get(fixedZone{name, offset}, func(z fixedZone) (*time.Location, error) {
		return time.FixedZone(z.name, z.offset), nil
	})
	return loc
}
