package invalidation

import (
	"maps"
	"slices"
	"time"
)

// Bounds of a record: it travels with every Sync.
const (
	maxRecord  = 64               // tags; beyond, it says everything, and Schema besides
	recordStay = 10 * time.Second // after the last write of a tag
)

// A record is what a node may have written without telling.
type record map[string]time.Time

// add notes that tags are about to be written.
func (r record) add(tags []string, now time.Time) {
	for _, tag := range tags {
		r[tag] = now
	}
}

// list returns the tags, without those that have not been written for long,
// and that keep does not name. [All] stands for the other tags, but not for
// [Schema]: without that, others would keep an old catalog.
func (r record) list(now time.Time, keep map[string]bool) []string {
	maps.DeleteFunc(r, func(tag string, last time.Time) bool {
		return now.Sub(last) > recordStay && !keep[tag]
	})
	if _, all := r[All]; all || len(r) > maxRecord {
		if _, schema := r[Schema]; schema {
			return []string{Schema, All}
		}
		return []string{All}
	}
	return slices.Sorted(maps.Keys(r))
}

// An announcement is what the record in the store says, as far as it was
// confirmed.
type announcement struct {
	tags  map[string]bool
	until time.Time // it need not be confirmed again before
}

func announced(tags []string, until time.Time) announcement {
	a := announcement{tags: make(map[string]bool, len(tags)), until: until}
	for _, tag := range tags {
		a.tags[tag] = true
	}
	return a
}

// covers reports whether writing the tags has been announced. The wall clock
// has to agree: the other one stands still while a machine is suspended.
func (a announcement) covers(tags []string, now time.Time) bool {
	if !now.Before(a.until) || !now.Round(0).Before(a.until.Round(0)) {
		return false
	}
	for _, tag := range tags {
		if !a.names(tag) {
			return false
		}
	}
	return true
}

func (a announcement) names(tag string) bool { return a.tags[tag] || tag != Schema && a.tags[All] }

// within is what of the announcement another record says, too: as long as it is
// not known which of the two the store has, only that is announced.
func (a announcement) within(record []string) announcement {
	other, both := announced(record, a.until), announced(nil, a.until)
	for tag := range a.tags {
		if other.names(tag) {
			both.tags[tag] = true
		}
	}
	for tag := range other.tags {
		if a.names(tag) {
			both.tags[tag] = true
		}
	}
	return both
}
