package bench

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/fakedriver"
)

// BenchmarkHit reads one remembered row in each way, and from a driver that does
// nothing, in turns and in small portions, so that a noisy machine disturbs all
// alike. It reports, of the quickest portions, the time per read over that of the
// empty driver, x-…, and the empty driver's own, ns-empty.
func BenchmarkHit(b *testing.B) {
	cache, err := querycache.New(querycache.Config{Session: func(context.Context) (string, bool) { return "", true }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cache.Close() })
	bare, cached := sql.OpenDB(fakedriver.Empty(1)), cache.OpenDB(fakedriver.Empty(1))
	b.Cleanup(func() { bare.Close(); cached.Close() })
	hand := &byHand{db: bare, kept: map[string]kept{}}

	const query = "SELECT id, title, at FROM books WHERE id = ? /* cache: ttl=1h tables=books */"
	ctx := b.Context()
	var id int64
	var title sql.RawBytes
	var at time.Time
	read := func(db *sql.DB) func() {
		return func() {
			rows, err := db.QueryContext(ctx, query, 42)
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
	loops := []struct {
		name string
		read func()
		best time.Duration
	}{
		{"empty", read(bare), time.Hour},
		{"querycache", read(cached), time.Hour},
		{"by-hand", func() {
			if _, err := hand.all(ctx, bare, query, 42); err != nil {
				b.Fatal(err)
			}
		}, time.Hour},
	}
	for _, l := range loops {
		l.read() // remembered from here on
	}
	const portion = 200
	for b.Loop() {
		for i := range loops {
			start := time.Now()
			for range portion {
				loops[i].read()
			}
			loops[i].best = min(loops[i].best, time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op") // of a portion of all: meaningless
	b.ReportMetric(float64(loops[0].best)/portion, "ns-empty")
	for _, l := range loops[1:] {
		b.ReportMetric(float64(l.best)/float64(loops[0].best), "x-"+l.name)
	}
	if st := cache.Stats(); st.Misses > 1 {
		b.Fatalf("%d misses: not a benchmark of hits", st.Misses)
	}
}
