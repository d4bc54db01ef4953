package busy

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMargin(t *testing.T) {
	w, start := new(Watch), time.Now()
	for i, by := range []time.Duration{usual, time.Second, 20 * time.Millisecond, 0} {
		w.note(start.Add(time.Duration(i+1)*time.Minute), by)
	}
	for after, want := range map[time.Duration]time.Duration{
		0: wakings * time.Second, 2 * time.Minute: wakings * 20 * time.Millisecond, 3 * time.Minute: 0,
	} {
		if got := w.Margin(start.Add(after)); got != want {
			t.Errorf("of what has begun after %v: %v, want %v", after, got, want)
		}
	}
}

// Where nothing else runs, nothing is late.
func TestNothingIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := New(t), time.Now()
		time.Sleep(time.Minute)
		if got := w.Margin(start); got != 0 {
			t.Errorf("%v", got)
		}
	})
}
