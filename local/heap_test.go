//go:build !race

package local

import (
	"runtime"
	"testing"
	"time"
)

// What the cache says it holds is what the heap says, within 15 %. The race
// detector changes what values hold, so this runs without it.
func TestBytesAreTheHeap(t *testing.T) {
	for _, size := range []int{64, 512, 4096, 32 << 10} {
		for _, idle := range []time.Duration{0, time.Hour} {
			// What the cache before has held may go only now, when the last of its
			// goroutines runs again: that is in the figures, too.
			ratio := 0.0
			for try := 0; try < 3 && (ratio < 0.85 || ratio > 1.15); try++ {
				ratio = saidOverHeld(t, size, idle)
			}
			if ratio < 0.85 || ratio > 1.15 {
				t.Errorf("values of %d bytes: said over held is %.2f", size, ratio)
			}
		}
	}
}

func saidOverHeld(t *testing.T, size int, idle time.Duration) float64 {
	t.Helper()
	const total = 32 << 20
	entries := total / size
	before := heap()
	clock := NewClock()
	c, err := New(Config{MaxBytes: 4 * total, IdleTime: idle}, clock, func(uint64, *[]byte) int { return size + 24 })
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		value := make([]byte, size)
		c.Set(uint64(i)*0x9e3779b97f4a7c15, &value, time.Hour)
	}
	c.cache.CleanUp()
	got, want := float64(c.Stats().Bytes), float64(heap()-before)
	t.Logf("%d values of %d bytes: %.0f said, %.0f held, %.0f bytes of bookkeeping each", entries, size, got, want,
		want/float64(entries)-float64(size+24))
	runtime.KeepAlive(c)
	c.Close()
	clock.Stop()
	return got / want
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
