package stampede

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestEarlyBounds(t *testing.T) {
	const lifetime, cost = time.Minute, 100 * time.Millisecond
	smallest := math.SmallestNonzeroFloat64
	for _, c := range []struct {
		name    string
		left    time.Duration
		cost    time.Duration
		beta, u float64
		want    bool
	}{
		{"at the end", 0, cost, 1, 1, true},
		{"past the end", -time.Second, cost, 1, 1, true},
		{"before the last fifth", lifetime/5 + 1, cost, 1, smallest, false},
		{"in the last fifth, luck", lifetime / 5, time.Hour, 1, smallest, true},
		{"an outlier counts for a twentieth", lifetime / 10, time.Hour, 1, 0.5, false},
		{"cost unknown", 0, 0, 1, smallest, false},
		{"off", 0, cost, 0, smallest, false},
		{"a query time before the end, likely enough", cost, cost, 1, 0.36, true},
		{"a query time before the end, not likely enough", cost, cost, 1, 0.37, false},
	} {
		if got := Early(c.left, lifetime, c.cost, c.beta, c.u); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if got := Calm(lifetime); got != 48*time.Second {
		t.Errorf("calm for %v of a minute", got)
	}
}

// Without a lease and coalescing, the paper expects e^(1/β) recomputations per
// lifetime: the first one, and those that begin before it has ended.
func TestEarlyAgainstThePaper(t *testing.T) {
	const (
		cost      = time.Second
		lifetime  = 100 * cost // β·cost stays below the bounds
		perCost   = 400        // requests
		step      = cost / 40
		lifetimes = 1500
	)
	for _, beta := range []float64{0.5, 1, 2} {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(beta*100)))
			total, lead := 0, time.Duration(0)
			for range lifetimes {
				// Until 10 β before the end hardly anybody refreshes.
				end := time.Now().Add(min(lifetime/lastPart, time.Duration(10*beta*float64(cost))))
				var stored time.Time // when the first one has ended
				for stored.IsZero() || time.Now().Before(stored) {
					time.Sleep(step)
					for range int(perCost * step / cost) {
						if !Early(time.Until(end), lifetime, cost, beta, 1-rng.Float64()) {
							continue
						}
						total++
						if stored.IsZero() {
							stored = time.Now().Add(cost)
							lead += time.Until(end)
						}
					}
				}
			}
			got, want := float64(total)/lifetimes, math.Exp(1/beta)
			// The maximum of the arrivals' leads is Gumbel distributed.
			gotLead, wantLead := lead.Seconds()/lifetimes, beta*(math.Log(perCost*beta)+0.5772)
			t.Logf("β = %v: %.2f recomputations per lifetime, %.2f expected; %.2f costs before the end, %.2f expected", beta, got, want, gotLead, wantLead)
			if math.Abs(got-want) > want/10 || math.Abs(gotLead-wantLead) > wantLead/20 {
				t.Error("not within 10 %, or 5 % of the lead")
			}
		})
	}
}
