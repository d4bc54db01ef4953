package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/local"
)

// Answers that all depend on one table.
type dependents struct {
	cache *querycache.Cache
	db    *sql.DB
}

const (
	dependentQuery = "SELECT id, title, at FROM books WHERE id = ? /* cache: ttl=1h tables=books */"
	unrelatedQuery = "SELECT id, title, at FROM authors /* cache: ttl=1h tables=authors */"
)

// newDependents reads n answers without rows into memory.
func newDependents(b *testing.B, n int) *dependents {
	b.Helper()
	cache, err := querycache.New(querycache.Config{
		Session: func(context.Context) (string, bool) { return "", true },
		Local:   local.Config{MaxBytes: 2 << 30},
	})
	if err != nil {
		b.Fatal(err)
	}
	d := &dependents{cache: cache, db: cache.OpenDB(fakedriver.Empty(0))}
	b.Cleanup(func() { d.db.Close(); cache.Close() })
	defer debug.SetGCPercent(debug.SetGCPercent(40)) // less memory on the way
	for i := range n {
		if err := d.read(dependentQuery, i); err != nil {
			b.Fatal(err)
		}
	}
	if err := d.read(unrelatedQuery); err != nil {
		b.Fatal(err)
	}
	return d
}

func (d *dependents) read(query string, args ...any) error {
	rows, err := d.db.Query(query, args...)
	if err != nil {
		return err
	}
	return rows.Close()
}

// BenchmarkInvalidate invalidates a table that many answers in memory depend on.
// Each is found to be invalid when it is asked for, so that the invalidation
// costs the same however many there are. invalidate-ns and best-ns are of one,
// the latter of the best portion.
func BenchmarkInvalidate(b *testing.B) {
	for _, entries := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			d := newDependents(b, entries)
			if held := d.cache.Stats().Local.Entries; held < int64(entries) {
				b.Fatalf("%d entries, want %d", held, entries)
			}
			const portion = 1000
			sum, best, n := time.Duration(0), time.Hour, 0
			for b.Loop() {
				start := time.Now()
				for range portion {
					if err := d.cache.Invalidate(b.Context(), "books"); err != nil {
						b.Fatal(err)
					}
				}
				took := time.Since(start)
				sum, best, n = sum+took, min(best, took), n+portion
			}
			before := d.cache.Stats()
			for i := range 100 {
				if err := d.read(dependentQuery, i*(entries/100)); err != nil {
					b.Fatal(err)
				}
			}
			if err := d.read(unrelatedQuery); err != nil {
				b.Fatal(err)
			}
			after := d.cache.Stats()
			if misses, hits := after.Misses-before.Misses, after.Hits-before.Hits; misses != 100 || hits != 1 {
				b.Fatalf("afterwards %d misses and %d hits, want 100 and 1: of the other table", misses, hits)
			}
			b.ReportMetric(0, "ns/op") // of a portion: meaningless
			b.ReportMetric(float64(sum)/float64(n), "invalidate-ns")
			b.ReportMetric(float64(best)/portion, "best-ns")
		})
	}
}
