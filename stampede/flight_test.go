package stampede

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// flight loads strings whose stamp is a version; a caller joins what is not
// older than the newest write.
type flight = Flight[string, string, int64]

func always(int64) bool { return true }
func zero() int64       { return 0 }

func empty(t *testing.T, f *flight) {
	t.Helper()
	if len(f.calls) != 0 {
		t.Errorf("%d calls are kept", len(f.calls))
	}
}

func TestOneLoadForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flight
		var loads, shared atomic.Int64
		var wg sync.WaitGroup
		for range 10_000 {
			wg.Go(func() {
				res := f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
					loads.Add(1)
					time.Sleep(time.Second)
					return "v", Share, nil
				})
				if res.Value != "v" || res.Err != nil || res.Scattered {
					t.Errorf("%+v", res)
				}
				if res.Shared {
					shared.Add(1)
				}
			})
		}
		wg.Wait()
		if loads.Load() != 1 || shared.Load() != 9_999 {
			t.Errorf("%d loads, %d shared", loads.Load(), shared.Load())
		}
		empty(t, &f)
	})
}

func TestErrorIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flight
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				res := f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
					time.Sleep(time.Second)
					return "", Share, boom
				})
				if res.Err != boom {
					t.Errorf("%v, want the error itself", res.Err)
				}
			})
		}
		wg.Wait()
		res := f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) { return "v", Share, nil })
		if res.Err != nil || res.Value != "v" {
			t.Errorf("the error was kept: %+v", res)
		}
		empty(t, &f)
	})
}

// A leader that ends in trouble of its own, whatever kind, fails nobody else,
// and exactly one other loads.
func TestBaton(t *testing.T) {
	own := errors.New("own")
	endings := map[string]func() (string, Outcome, error){
		"retry":  func() (string, Outcome, error) { return "", Retry, own },
		"panic":  func() (string, Outcome, error) { panic("driver") },
		"goexit": func() (string, Outcome, error) { runtime.Goexit(); return "", Share, nil },
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var f flight
				var loads, good atomic.Int64
				var recovered any
				var wg sync.WaitGroup
				wg.Go(func() {
					defer func() { recovered = recover() }()
					f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
						time.Sleep(time.Second)
						return end()
					})
				})
				synctest.Wait()
				for range 100 {
					wg.Go(func() {
						res := f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
							loads.Add(1)
							time.Sleep(time.Second)
							return "v", Share, nil
						})
						if res.Value == "v" && res.Err == nil {
							good.Add(1)
						}
					})
				}
				wg.Wait()
				if loads.Load() != 1 || good.Load() != 100 {
					t.Errorf("%d loads, %d good answers, want 1 and 100", loads.Load(), good.Load())
				}
				if name == "panic" && recovered != "driver" {
					t.Errorf("the leader's panic is %v", recovered)
				}
				empty(t, &f)
			})
		})
	}
}

func TestWaiterLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flight
		var wg sync.WaitGroup
		wg.Go(func() {
			res := f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
				time.Sleep(time.Minute)
				return "v", Share, nil
			})
			if res.Value != "v" {
				t.Errorf("leader: %+v", res)
			}
		})
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res := f.Do(ctx, "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
			t.Error("a waiter loads")
			return "", Share, nil
		})
		if res.Err != context.DeadlineExceeded || time.Since(start) != time.Second {
			t.Errorf("%v after %v", res.Err, time.Since(start))
		}
		wg.Wait()
	})
}

// A waiter whose context has ended meanwhile does not take the load over.
func TestDeadWaiterDoesNotLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flight
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
				time.Sleep(time.Second)
				cancel()
				return "", Retry, nil
			})
		})
		synctest.Wait()
		res := f.Do(ctx, "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
			t.Error("loads with a context that has ended")
			return "", Retry, nil
		})
		if res.Err != context.Canceled {
			t.Errorf("%+v", res)
		}
		wg.Wait()
		empty(t, &f)
	})
}

func TestScatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flight
		var scattered atomic.Int64
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				res := f.Do(t.Context(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) {
					time.Sleep(time.Second)
					return "mine", Scatter, nil
				})
				if res.Scattered {
					scattered.Add(1)
				} else if res.Value != "mine" || res.Shared {
					t.Errorf("leader: %+v", res)
				}
			})
		}
		wg.Wait()
		if scattered.Load() != 9 {
			t.Errorf("%d scattered, want 9", scattered.Load())
		}
	})
}

// A stamp that is too old starts a call that replaces the old one, whose end
// must not remove the new one.
func TestNewerCallReplacesOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flight
		var wg sync.WaitGroup
		do := func(stamp int64, took time.Duration, value string) {
			wg.Go(func() {
				res := f.Do(t.Context(), "k", func() int64 { return stamp }, func(s int64) bool { return s >= stamp },
					func(context.Context, int64) (string, Outcome, error) {
						time.Sleep(took)
						return value, Share, nil
					})
				if res.Value != value {
					t.Errorf("stamp %d got %q, want %q", stamp, res.Value, value)
				}
			})
			synctest.Wait()
		}
		do(1, 2*time.Second, "old")
		do(2, 5*time.Second, "new")
		time.Sleep(3 * time.Second) // the old one has ended
		do(2, time.Hour, "new")     // joins the new one
		start := time.Now()
		wg.Wait()
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("the last caller waited %v: it did not join", took)
		}
		empty(t, &f)
	})
}

// Random callers, writers and endings: everybody gets an answer, and none that
// is older than the last write that had ended when it asked.
func TestRandom(t *testing.T) {
	var f flight
	var version atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 7))
			for range 3000 {
				if rng.IntN(10) == 0 {
					version.Add(1)
				}
				asked := version.Load()
				ctx, cancel := context.WithCancel(context.Background())
				if rng.IntN(5) == 0 {
					cancel()
				}
				var stamped int64
				res := f.Do(ctx, "k", version.Load, func(s int64) bool { stamped = s; return s >= version.Load() },
					func(_ context.Context, s int64) (string, Outcome, error) {
						stamped = s
						runtime.Gosched()
						return "v", Outcome(rng.IntN(3)), nil
					})
				cancel()
				if res.Err == nil && !res.Scattered && stamped < asked {
					t.Errorf("asked at %d, answer of %d", asked, stamped)
				}
			}
		})
	}
	wg.Wait()
	empty(t, &f)
}

func BenchmarkDo(b *testing.B) {
	var f flight
	b.ReportAllocs()
	for b.Loop() {
		f.Do(context.Background(), "k", zero, always, func(context.Context, int64) (string, Outcome, error) { return "v", Share, nil })
	}
}

// Whoever waited for too long begins anew, with a new stamp, the leader too.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flight
		var version, loads atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				res := f.Do(t.Context(), "k", version.Load, always, func(_ context.Context, stamp int64) (string, Outcome, error) {
					loads.Add(1)
					time.Sleep(time.Second)
					if stamp == 0 {
						version.Store(1)
						return "old", Again, nil
					}
					return "new", Share, nil
				})
				if res.Value != "new" || res.Err != nil {
					t.Errorf("%+v", res)
				}
			})
		}
		wg.Wait()
		if loads.Load() != 2 {
			t.Errorf("%d loads, want 2", loads.Load())
		}
		empty(t, &f)
	})
}
