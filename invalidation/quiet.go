package invalidation

import "time"

// maxLoud is how often a second a tag is told of at once: whoever reads what
// is written more often has little from a cache anyway.
const maxLoud = 20

// quiet counts bumps of the current second by tag. The zero value is ready.
type quiet struct {
	second time.Time
	counts map[string]int
}

// busy counts a bump of tags and reports whether all of them are bumped so
// often that telling of it at once is not worth it.
func (q *quiet) busy(tags []string, now time.Time) bool {
	if now.Sub(q.second) > time.Second || q.counts == nil {
		q.second, q.counts = now, make(map[string]int)
	}
	busy := len(tags) > 0
	for _, tag := range tags {
		if q.counts[tag]++; q.counts[tag] <= maxLoud {
			busy = false
		}
	}
	return busy
}
