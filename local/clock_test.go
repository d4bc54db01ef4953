package local

import (
	"testing"
	"time"
)

// TestClockAge: the clock that says more counts. A machine that was suspended
// comes back with the monotonic one where it stood; one that was paused from
// outside may come back with both moved; and somebody may set the wall clock.
func TestClockAge(t *testing.T) {
	t.Parallel()
	for name, moved := range map[string]struct{ mono, wall, want time.Duration }{
		"nothing happens":      {0, 0, 0},
		"it runs":              {time.Second, time.Second, time.Second},
		"suspended":            {0, time.Hour, time.Hour},
		"paused, both moved":   {time.Hour, time.Hour, time.Hour},
		"paused, corrected":    {time.Hour, time.Hour + time.Minute, time.Hour + time.Minute},
		"the wall is set back": {time.Second, -time.Hour, time.Second},
		"both stand":           {-time.Millisecond, -time.Millisecond, 0}, // the clock's goroutine lags
	} {
		c := NewClock()
		c.Stop()
		at := time.Now()
		c.read()
		c.mono.Store(int64(at.Sub(c.start) + moved.mono))
		c.wall.Store(at.UnixNano() + int64(moved.wall))
		if got := c.Age(at); got != moved.want+Resolution {
			t.Errorf("%s: %v old, want %v and %v for the lag", name, got, moved.want, Resolution)
		}
	}
}
