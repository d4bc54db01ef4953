package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/fakedriver"
)

// Benchmarks compare with the empty driver: the same loop over a driver that
// does nothing, in the same run, so that a noisy machine disturbs both. What
// they report:
//
//	x-floor      time per operation over that of the empty driver
//	ns-over      nanoseconds per operation more than the empty driver
//	allocs-over  allocations per operation more than the empty driver

const benchQuery = "SELECT id, title, at FROM books WHERE id = ? /* cache: ttl=1h tables=books */"

func benchCache(b testing.TB, rows int) (bare, cached *sql.DB, cache *querycache.Cache) {
	b.Helper()
	cache, err := querycache.New(querycache.Config{Session: func(context.Context) (string, bool) { return "", true }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cache.Close() })
	bare, cached = sql.OpenDB(fakedriver.Empty(rows)), cache.OpenDB(fakedriver.Empty(rows))
	b.Cleanup(func() { bare.Close(); cached.Close() })
	return bare, cached, cache
}

// against runs the two loops in turns, in small portions, and reports ratios.
func against(b *testing.B, floor, loop func()) {
	b.Helper()
	const portion = 200
	var floorTime, loopTime time.Duration
	var best = struct{ floor, loop time.Duration }{time.Hour, time.Hour}
	timed := func(f func()) time.Duration {
		start := time.Now()
		for range portion {
			f()
		}
		return time.Since(start)
	}
	n := 0
	for b.Loop() {
		f, l := timed(floor), timed(loop)
		floorTime += f
		loopTime += l
		best.floor, best.loop = min(best.floor, f), min(best.loop, l)
		n++
	}
	ops := float64(n * portion)
	b.ReportMetric(0, "ns/op") // of a portion of both: meaningless
	b.ReportMetric(float64(floorTime)/ops, "ns-floor")
	b.ReportMetric(float64(loopTime)/ops, "ns-loop")
	b.ReportMetric(float64(loopTime)/float64(floorTime), "x-floor")
	b.ReportMetric(float64(best.loop)/float64(best.floor), "x-floor-best")
	b.ReportMetric(float64(loopTime-floorTime)/ops, "ns-over")
	b.ReportMetric(testing.AllocsPerRun(100, loop)-testing.AllocsPerRun(100, floor), "allocs-over")
}

// fetch reads a query to its end into reused variables.
func fetch(b testing.TB, db *sql.DB, query string, args ...any) func() {
	var id int64
	var title sql.RawBytes
	var at time.Time
	ctx := context.Background()
	return func() {
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			if err := rows.Scan(&id, &title, &at); err != nil {
				b.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHit(b *testing.B) {
	for _, rows := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			bare, cached, cache := benchCache(b, rows)
			loop := fetch(b, cached, benchQuery, 42)
			loop()
			against(b, fetch(b, bare, benchQuery, 42), loop)
			if st := cache.Stats(); st.Misses > 1 {
				b.Fatalf("%d misses: not a benchmark of hits", st.Misses)
			}
		})
	}
	b.Run("1000-keys", func(b *testing.B) {
		bare, cached, cache := benchCache(b, 1)
		keys := func(db *sql.DB) func() {
			var loops []func()
			for i := range 1000 {
				loops = append(loops, fetch(b, db, benchQuery, i))
			}
			i := 0
			return func() { i++; loops[i%1000]() }
		}
		loop := keys(cached)
		for range 1000 {
			loop()
		}
		against(b, keys(bare), loop)
		if st := cache.Stats(); st.Misses > 1000 {
			b.Fatalf("%d misses: not a benchmark of hits", st.Misses)
		}
	})
	b.Run("text-built-anew", func(b *testing.B) {
		bare, cached, _ := benchCache(b, 1)
		anew := func(db *sql.DB) func() {
			return func() { fetch(b, db, string([]byte(benchQuery)), 42)() }
		}
		against(b, anew(bare), anew(cached))
	})
}

func BenchmarkMiss(b *testing.B) {
	bare, cached, _ := benchCache(b, 1)
	ctx := querycache.WithRefresh(context.Background())
	var id int64
	var title sql.RawBytes
	var at time.Time
	loop := func() {
		rows, err := cached.QueryContext(ctx, benchQuery, 42)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			if err := rows.Scan(&id, &title, &at); err != nil {
				b.Fatal(err)
			}
		}
		rows.Close()
	}
	against(b, fetch(b, bare, benchQuery, 42), loop)
}

// BenchmarkPassThrough is a query that nobody asked to cache.
func BenchmarkPassThrough(b *testing.B) {
	bare, cached, _ := benchCache(b, 1)
	const query = "SELECT id, title, at FROM books WHERE id = ?"
	b.Run("query", func(b *testing.B) {
		against(b, fetch(b, bare, query, 42), fetch(b, cached, query, 42))
	})
	b.Run("prepared", func(b *testing.B) {
		prepared := func(db *sql.DB) func() {
			st, err := db.Prepare(query)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { st.Close() })
			var id int64
			var title sql.RawBytes
			var at time.Time
			return func() {
				rows, err := st.Query(42)
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
					if err := rows.Scan(&id, &title, &at); err != nil {
						b.Fatal(err)
					}
				}
				rows.Close()
			}
		}
		against(b, prepared(bare), prepared(cached))
	})
	b.Run("exec", func(b *testing.B) {
		exec := func(db *sql.DB) func() {
			return func() {
				if _, err := db.Exec("UPDATE books SET title = ? WHERE id = ?", "x", 42); err != nil {
					b.Fatal(err)
				}
			}
		}
		against(b, exec(bare), exec(cached))
	})
}
