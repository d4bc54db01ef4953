package remote

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
)

// TestCloseWrites: a program that ends at once leaves its entries behind, and
// Close may be called by several.
func TestCloseWrites(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	tier := attach(t, Config{Client: client})
	for i := range byte(200) {
		tier.Set([]byte{i}, []byte("x"), time.Minute)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := tier.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := client.Exists(t.Context(), tier.EntryKey([]byte{199})).Val(); n != 1 {
		t.Error("the last entry is not there")
	}
	if _, err := tier.Get(t.Context(), []byte{1}); !errors.Is(err, ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
	if tier.Set([]byte{1}, nil, time.Minute) {
		t.Error("Set after Close")
	}
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the user's client: %v", err)
	}
	stacks := make([]byte, 1<<20)
	if stacks = stacks[:runtime.Stack(stacks, true)]; bytes.Contains(stacks, []byte("remote.(*filler)")) {
		t.Errorf("a goroutine is left:\n%s", stacks)
	}
}

func TestDroppedFills(t *testing.T) {
	t.Parallel()
	s := testserver.NewRedis(t)
	tier := attach(t, Config{Client: dialServer(t, s), FillBytes: 100_000})
	if tier.Set([]byte("large"), make([]byte, 100_001), time.Minute) {
		t.Error("an entry larger than the bound was taken")
	}
	s.Stop()
	taken, payload := 0, make([]byte, 10_000)
	for i := range byte(50) {
		if tier.Set([]byte{i}, payload, time.Minute) {
			taken++
		}
	}
	if taken != 9 { // their keys count, too
		t.Errorf("%d of 10,000 bytes were taken, bounded at 100,000", taken)
	}
	stats := tier.Stats()
	if stats.FillsDropped != 42 || stats.FillsWaiting != 9 || stats.FillBytes <= 90_000 || stats.FillBytes > 100_000 {
		t.Errorf("%+v", stats)
	}
	s.Cont()
	await(t, "the rest", func() bool { return tier.Stats().FillsWaiting == 0 })
	if stats := tier.Stats(); stats.FillBytes != 0 || stats.Set.Count != 9 {
		t.Errorf("%+v", stats)
	}
}

func TestChunk(t *testing.T) {
	many := make([]fill, 200)
	if n := chunk(many); n != batchCommands {
		t.Errorf("%d small ones together, want %d", n, batchCommands)
	}
	large := fill{payload: make([]byte, batchBytes)}
	if n := chunk([]fill{large, large}); n != 1 {
		t.Errorf("%d large ones together, want 1", n)
	}
	if n := chunk(many[:3]); n != 3 {
		t.Errorf("%d of 3", n)
	}
}
