package stampede

import (
	"sync"
	"testing"
	"time"
)

func TestCost(t *testing.T) {
	var c Cost
	if c.Load() != 0 {
		t.Error("known from the start")
	}
	c.Learn(0)
	c.Learn(40 * time.Millisecond)
	c.Learn(time.Hour)
	if c.Load() != 40*time.Millisecond {
		t.Errorf("learnt %v", c.Load())
	}
	c.Add(80 * time.Millisecond)
	if c.Load() != 50*time.Millisecond {
		t.Errorf("%v, want a quarter of the way", c.Load())
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				c.Add(time.Millisecond)
			}
		})
	}
	wg.Wait()
	if got := c.Load(); got < time.Millisecond || got > 1010*time.Microsecond {
		t.Errorf("%v after many of a millisecond", got)
	}
	c = Cost{}
	c.Add(0)
	if c.Load() == 0 {
		t.Error("a quick query counts as unknown")
	}
}

func TestLeaseTimes(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		cost, ttl, wait time.Duration
		worth           bool
	}{
		{0, 200 * ms, 280 * ms, true},
		{ms, 100 * ms, 180 * ms, false},
		{5 * ms, 100 * ms, 180 * ms, true},
		{100 * ms, 400 * ms, 480 * ms, true},
		{time.Minute, 5 * time.Second, 5080 * ms, true},
	} {
		if ttl, wait := LeaseTTL(c.cost), LeaseWait(c.cost); ttl != c.ttl || wait != c.wait || Worth(c.cost) != c.worth {
			t.Errorf("%v: %v, %v, %v", c.cost, ttl, wait, Worth(c.cost))
		}
	}
	var p Pause
	for i, want := range []time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms, 40 * ms} {
		u := float64(i%2) * 0.999
		got := p.Next(u)
		if got > want || got < want/2 || u == 0 && got != want {
			t.Errorf("pause %d is %v, want up to half of %v less", i, got, want)
		}
	}
}
