package local

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func newCache(t testing.TB, cfg Config, bytes int) *Cache[int, *int] {
	t.Helper()
	clock := NewClock()
	c, err := New(cfg, clock, func(int, *int) int { return bytes })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); clock.Stop() })
	return c
}

func TestValidate(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	err := Config{MaxBytes: -1, IdleTime: -1, Jitter: 1}.Validate()
	for _, field := range []string{"Local.MaxBytes", "Local.IdleTime", "Local.Jitter"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
	if _, err := New(Config{MaxBytes: -1}, nil, func(int, int) int { return 0 }); err == nil {
		t.Error("New takes a wrong Config")
	}
}

func TestLifetimes(t *testing.T) {
	tests := []struct {
		name      string
		cfg       Config
		ttl       time.Duration
		readEvery time.Duration
		min, max  time.Duration // when it must still, and must no longer, be there
	}{
		{"lifetime", Config{Jitter: -1}, time.Minute, 0, time.Minute - Resolution, time.Minute + Resolution},
		{"jittered", Config{Jitter: 0.5}, time.Minute, 0, 30*time.Second - Resolution, time.Minute + Resolution},
		{"none", Config{Jitter: -1}, 0, 0, 10 * time.Minute, 0},
		{"idle", Config{Jitter: -1, IdleTime: 10 * time.Second}, time.Minute, 0, 10*time.Second - Resolution, 10*time.Second + Resolution},
		{"read now and then", Config{Jitter: -1, IdleTime: 10 * time.Second}, time.Minute, 7 * time.Second, time.Minute - 7*time.Second, time.Minute + Resolution},
		{"idle, no lifetime", Config{Jitter: -1, IdleTime: 10 * time.Second}, 0, 7 * time.Second, 10 * time.Minute, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCache(t, tt.cfg, 8)
				defer c.clock.Stop()
				defer c.Close()
				n := 1
				there := func(after time.Duration) bool {
					c.Set(1, &n, c.Jitter(tt.ttl))
					start := time.Now()
					for tt.readEvery > 0 && time.Since(start)+tt.readEvery < after {
						time.Sleep(tt.readEvery)
						c.Get(1)
					}
					time.Sleep(after - time.Since(start))
					_, ok := c.Get(1)
					return ok
				}
				if !there(tt.min) {
					t.Errorf("gone after %v", tt.min)
				}
				if tt.max > 0 && there(tt.max) {
					t.Errorf("still there after %v", tt.max)
				}
			})
		})
	}
}

func TestRemove(t *testing.T) {
	c := newCache(t, Config{}, 8)
	a, b := new(int), new(int)
	c.Set(1, a, 0)
	if c.Remove(1, func(v *int) bool { return v == b }) {
		t.Error("removed another value")
	}
	if v, ok := c.Get(1); !ok || v != a {
		t.Error("the value is gone")
	}
	if !c.Remove(1, func(v *int) bool { return v == a }) || c.Remove(1, nil) {
		t.Error("not removed once")
	}
	c.Set(1, a, 0)
	if !c.Remove(1, nil) {
		t.Error("nil does not mean any")
	}
}

// Every Set is either still there or was removed for one cause.
func TestCountersAddUp(t *testing.T) {
	var mu sync.Mutex
	told := map[Cause]int64{}
	c := newCache(t, Config{MaxBytes: 50 * (8 + overhead), OnRemoval: func(r Removal) {
		mu.Lock()
		defer mu.Unlock()
		told[r.Cause]++
	}}, 8)
	rng := rand.New(rand.NewPCG(1, 2))
	n := new(int)
	sets := int64(0)
	for range 20_000 {
		key := rng.IntN(200)
		switch rng.IntN(10) {
		case 0:
			c.Remove(key, nil)
		case 1, 2, 3:
			c.Get(key)
		default:
			c.Set(key, n, time.Duration(1+rng.IntN(30))*time.Millisecond)
			sets++
		}
	}
	c.Clear()
	c.cache.CleanUp()
	st := c.Stats()
	removed := st.Expired + st.Evicted + st.Invalidated + st.Replaced
	if removed+st.Entries != sets {
		t.Errorf("%d sets, %d removed, %d there: %+v", sets, removed, st.Entries, st)
	}
	if st.Evicted == 0 || st.Invalidated == 0 || st.Replaced == 0 {
		t.Errorf("a cause never came up: %+v", st)
	}
	c.Close() // and with it the hook has been told
	mu.Lock()
	defer mu.Unlock()
	for cause, counted := range map[Cause]int64{Expired: st.Expired, Evicted: st.Evicted, Invalidated: st.Invalidated, Replaced: st.Replaced} {
		if told[cause] != counted {
			t.Errorf("told of %d %v, counted %d", told[cause], cause, counted)
		}
	}
	if st := c.Stats(); st.Untold != 0 {
		t.Errorf("%d removals were not told of", st.Untold)
	}
}

// A hook that hangs keeps nobody waiting but Close, and what waits for it is
// bounded.
func TestSlowHook(t *testing.T) {
	release := make(chan struct{})
	told := 0
	c := newCache(t, Config{OnRemoval: func(Removal) { <-release; told++ }}, 8)
	n := new(int)
	// One full queue may be with the hook and another wait for it.
	const sets = 3 * maxUntold
	for range sets + 1 {
		c.Set(1, n, 0)
	}
	st := c.Stats()
	if st.Replaced != sets || st.Untold < maxUntold {
		t.Errorf("%d replaced, %d untold", st.Replaced, st.Untold)
	}
	close(release)
	c.Close()
	if got := int64(told) + c.Stats().Untold; got != sets+1 {
		t.Errorf("%d told or counted as untold, want %d", got, sets+1)
	}
}

func TestTooLarge(t *testing.T) {
	c := newCache(t, Config{MaxBytes: 1000}, 990)
	c.Set(1, new(int), 0)
	if _, ok := c.Get(1); ok || c.Stats().TooLarge != 1 {
		t.Errorf("stored, or not counted: %+v", c.Stats())
	}
}

func TestFloodStaysBounded(t *testing.T) {
	const entry = 10_000
	clock := NewClock()
	defer clock.Stop()
	c, err := New(Config{MaxBytes: 100 * entry}, clock, func(int, []byte) int { return entry })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 20_000 {
		c.Set(i, nil, time.Hour)
		if got := c.Stats().Bytes; got > 200*entry {
			t.Fatalf("%d bytes after %d sets, the bound is %d", got, i, 100*entry)
		}
	}
	c.cache.CleanUp()
	if got := c.Stats().Bytes; got > 100*entry {
		t.Errorf("%d bytes at rest, the bound is %d", got, 100*entry)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine stays
		c := newCache(t, Config{}, 8)
		c.Set(1, new(int), time.Hour)
		c.Close()
		c.Close()
		c.clock.Stop()
		c.Set(2, new(int), time.Hour)
		if _, ok := c.Get(1); ok {
			t.Error("an entry has survived Close")
		}
		if _, ok := c.Get(2); ok {
			t.Error("a closed cache stores")
		}
		m, err := NewMemo(1000, func(int, int) int { return 8 })
		if err != nil {
			t.Fatal(err)
		}
		m.Set(1, 1, 0)
		if v, ok := m.Get(1); !ok || v != 1 {
			t.Error("a memo forgets")
		}
		m.Close()
	})
}

func TestGetDoesNotAllocate(t *testing.T) {
	c := newCache(t, Config{}, 8)
	c.Set(1, new(int), time.Hour)
	if n := testing.AllocsPerRun(1000, func() { c.Get(1) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGet(b *testing.B) {
	c := newCache(b, Config{}, 8)
	for i := range 1000 {
		c.Set(i, new(int), time.Hour)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, ok := c.Get(i % 1000); !ok {
			b.Fatal("gone")
		}
	}
}

// What nobody asks for any more gives its memory back.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Config{Jitter: -1}, 8)
		defer c.clock.Stop()
		defer c.Close()
		c.Set(1, new(int), time.Second)
		c.Set(2, new(int), time.Hour)
		time.Sleep(2 * sweepEvery)
		if st := c.Stats(); st.Entries != 1 || st.Expired != 1 || st.Invalidated != 0 {
			t.Errorf("%+v", st)
		}
	})
}
