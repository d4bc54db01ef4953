package remote

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
)

func TestEntry(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	tier := attach(t, Config{Client: client})
	other := attach(t, Config{Client: client})
	key := []byte("\x00digest\xff")
	if got, err := tier.Get(t.Context(), key); got != nil || err != nil {
		t.Errorf("a miss is %q, %v", got, err)
	}
	payload := []byte("some\x00bytes")
	if !tier.Set(key, payload, time.Hour) {
		t.Fatal("not taken")
	}
	await(t, "the entry", func() bool { got, err := tier.Get(t.Context(), key); return err == nil && bytes.Equal(got, payload) })
	if got, err := other.Get(t.Context(), key); got != nil || err != nil {
		t.Errorf("another namespace has %q, %v", got, err)
	}
	if ttl := client.PTTL(t.Context(), tier.EntryKey(key)).Val(); ttl <= 59*time.Minute || ttl > time.Hour {
		t.Errorf("it lives for %v, want an hour", ttl)
	}
	if !tier.Set(key, payload, time.Nanosecond) {
		t.Error("a short lifetime is not taken")
	}
	await(t, "its end", func() bool { got, err := tier.Get(t.Context(), key); return err == nil && got == nil })
	if tier.Set(key, payload, 0) {
		t.Error("an entry without a lifetime is taken")
	}
	tier.Set([]byte("empty"), nil, time.Hour)
	await(t, "an empty entry", func() bool { return tier.Stats().FillsWaiting == 0 })
	if got, err := tier.Get(t.Context(), []byte("empty")); got != nil || err != nil {
		t.Errorf("an entry of nothing is %q, %v", got, err)
	}

	// An entry is there before the answer about it is counted.
	await(t, "the count of it", func() bool { return tier.Stats().FillsWaiting == 0 })
	s := tier.Stats()
	if s.Hits < 2 || s.Misses < 2 || s.Get.Count != s.Hits+s.Misses || s.Get.Errors != 0 || s.Set.Count != 3 || s.FillsDropped != 1 {
		t.Errorf("%+v", s)
	}
	sum := int64(0)
	for _, n := range s.Get.Buckets {
		sum += n
	}
	if sum != s.Get.Count || s.Get.Total <= 0 {
		t.Errorf("buckets hold %d of %d, %v in all", sum, s.Get.Count, s.Get.Total)
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	s := testserver.NewRedis(t)
	client := dialServer(t, s)
	const timeout = 100 * time.Millisecond
	tier := attach(t, Config{Client: client, Timeout: timeout, FillBytes: 10_000})
	n := newNode(t, tier, "a")
	await(t, "an answer", func() bool { _, err := tier.Get(t.Context(), []byte("k")); return err == nil })
	before := tier.Stats()
	s.Stop()
	const late = patience / 4 // for a machine that does other things too
	var errs []error
	for range failuresToOpen {
		start := time.Now()
		_, err := tier.Get(t.Context(), []byte("k"))
		errs = append(errs, err)
		if d := time.Since(start); err == nil || d < timeout/2 || d > timeout+late {
			t.Errorf("Get took %v: %v", d, err)
		}
	}
	if err := errs[0]; !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) || errors.Is(err, ErrUnavailable) {
		t.Errorf("a timeout is %v", err)
	}
	if now := tier.Stats(); now.Breaker != Open || now.Opened != before.Opened+1 {
		t.Fatalf("the breaker is %v, and was opened %d times", now.Breaker, now.Opened-before.Opened)
	}
	start, asked := time.Now(), 0
	for range 1000 {
		if _, err := tier.Get(t.Context(), []byte("k")); err == nil {
			t.Fatal("a stopped server answers")
		} else if !errors.Is(err, ErrUnavailable) {
			asked++
		}
	}
	if most := 1 + int(time.Since(start)/firstPause); asked > most {
		t.Errorf("with an open breaker, Redis was asked %d times in %v", asked, time.Since(start))
	}
	if tier.Set([]byte("k"), []byte("v"), time.Minute) {
		t.Error("Set was taken with an open breaker")
	}
	start = time.Now()
	if _, err := n.try("x"); err == nil || time.Since(start) > timeout+late {
		t.Errorf("Sync took %v: %v", time.Since(start), err)
	}
	s.Cont()
	await(t, "the breaker to close", func() bool {
		tier.Get(t.Context(), []byte("k"))
		return tier.Stats().Breaker == Closed
	})
	stats := tier.Stats()
	if stats.Get.Timeouts-before.Get.Timeouts < failuresToOpen || stats.Refused-before.Refused < int64(1000-asked) || stats.Sync.Timeouts != before.Sync.Timeouts+1 {
		t.Errorf("%+v, before %+v", stats, before)
	}
	n.answered("y")
}

// TestLongTimeout: who has the patience gets the answer of a slow server.
func TestLongTimeout(t *testing.T) {
	t.Parallel()
	s := testserver.NewRedis(t)
	tier := attach(t, Config{Client: dialServer(t, s), Timeout: time.Minute})
	n := newNode(t, tier, "a")
	s.Stop()
	done := make(chan error, 2)
	go func() { _, err := tier.Get(t.Context(), []byte("k")); done <- err }()
	go func() { _, err := n.try("x"); done <- err }()
	time.Sleep(attachTimeout + attachTimeout/2) // what others have to answer in
	s.Cont()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestCallerGivesUp: a caller's short patience says nothing about Redis.
func TestCallerGivesUp(t *testing.T) {
	tier := attach(t, Config{Client: dial(t, testserver.Redis(t)), Timeout: time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 * failuresToOpen {
		if _, err := tier.Get(ctx, []byte("k")); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if s := tier.Stats().Breaker; s != Closed {
		t.Errorf("the breaker is %v", s)
	}
}
