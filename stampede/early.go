package stampede

import (
	"math"
	"time"
)

// DefaultBeta is the β at which the first of many requests is expected to
// refresh one or two query times before the end.
const DefaultBeta = 1.0

// Bounds on how early an answer is refreshed, whatever its query costs: an
// outlier must not make every request a refresh.
const (
	lastPart = 5  // only in the last fifth of a lifetime
	maxLead  = 20 // β·cost counts as a twentieth of the lifetime at most
)

// Calm returns for how long of its lifetime an answer is never refreshed: up to
// there a hit need not ask [Early].
func Calm(lifetime time.Duration) time.Duration { return lifetime - lifetime/lastPart }

// Early reports whether one request refreshes an answer, left before the end of
// its lifetime, whose query takes cost. u is drawn anew for each request,
// uniformly from (0, 1]. The probability rises to 1 at the end, so that with
// many requests one of them refreshes while the others are still answered; β
// above 1 begins earlier, below 1 later, and 0 never.
//
// It is XFetch of Vattani, Chierichetti and Lowenstein, Optimal Probabilistic
// Cache Stampede Prevention, VLDB 2015, with the two bounds above.
func Early(left, lifetime, cost time.Duration, beta, u float64) bool {
	if beta <= 0 || cost <= 0 || left > lifetime-Calm(lifetime) {
		return false
	}
	lead := min(beta*float64(cost), float64(lifetime)/maxLead)
	return -lead*math.Log(u) >= float64(left)
}
