package remote

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
)

// One at a time holds the lease; the next one finds what was stored.
func TestLease(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	cfg := Config{Client: client, Namespace: t.Name() + rand.Text()}
	a, b := attach(t, cfg), attach(t, cfg)
	key, payload := []byte("\x00digest"), []byte("rows")
	first, entry, err := a.Lease(t.Context(), key, time.Hour)
	if !first.Held() || entry != nil || err != nil {
		t.Fatalf("%v, %q, %v", first, entry, err)
	}
	if ttl := client.PTTL(t.Context(), first.key).Val(); ttl <= 59*time.Minute || ttl > time.Hour {
		t.Errorf("it is held for %v", ttl)
	}
	if second, _, err := b.Lease(t.Context(), key, time.Hour); second.Held() || err != nil {
		t.Errorf("two hold it: %v, %v", second, err)
	}
	if other, _, err := b.Lease(t.Context(), []byte("other"), time.Hour); !other.Held() || err != nil {
		t.Errorf("that of another entry is not to be had: %v", err)
	}
	if !a.SetLeased(key, payload, time.Hour, first) {
		t.Fatal("not taken")
	}
	var next Lease
	await(t, "the lease", func() bool {
		lease, entry, err := b.Lease(t.Context(), key, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if next = lease; lease.Held() && !bytes.Equal(entry, payload) {
			t.Fatalf("the lease was given back before the entry was stored: %q", entry)
		}
		return lease.Held()
	})
	a.Release(first) // late: it is another's by now
	if a.SetLeased([]byte("no lifetime"), payload, 0, first) {
		t.Error("an entry without a lifetime is taken")
	}
	sent := a.Stats().Set.Count
	a.Set([]byte("after"), payload, time.Hour)
	await(t, "what was given back", func() bool { return a.Stats().Set.Count > sent })
	if lease, entry, err := a.Lease(t.Context(), key, time.Hour); lease.Held() || !bytes.Equal(entry, payload) || err != nil {
		t.Errorf("somebody gave another's lease back: %v, %q, %v", lease, entry, err)
	}
	b.Release(next)
	await(t, "its return", func() bool {
		lease, _, err := a.Lease(t.Context(), key, time.Millisecond)
		return lease.Held() && err == nil
	})
	await(t, "its end", func() bool { lease, _, err := b.Lease(t.Context(), key, time.Hour); return lease.Held() && err == nil })
	if s := b.Stats(); s.Lease.Count < 4 || s.Lease.Errors != 0 {
		t.Errorf("%+v", s.Lease)
	}
}

// A Redis that is gone is an error within the time of an operation, not a lease.
func TestLeaseWithoutRedis(t *testing.T) {
	s := testserver.NewRedis(t)
	tier := attach(t, Config{Client: dialServer(t, s), Timeout: 200 * time.Millisecond})
	s.Kill()
	for range 100 {
		start := time.Now()
		if lease, _, err := tier.Lease(t.Context(), []byte("k"), time.Hour); lease.Held() || err == nil {
			t.Fatalf("%v, %v", lease, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("it took %v", took)
		}
	}
	tier.Release(Lease{"k", "token"})
	tier.Close()
	tier.Release(Lease{"k", "token"})
	if _, _, err := tier.Lease(t.Context(), []byte("k"), time.Hour); err != ErrClosed {
		t.Errorf("%v after Close", err)
	}
}
