package querycache_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/sqlite"
	"github.com/querycache/querycache/internal/testserver"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/remote"
)

// A sharedBench is a SQLite database and a Redis; each cache is as one of a
// process of its own.
type sharedBench struct {
	*testing.B
	dsn, space string
	redis      *redis.Client
}

func newSharedBench(b *testing.B) *sharedBench {
	b.Helper()
	opts, err := redis.ParseURL(testserver.Redis(b))
	if err != nil {
		b.Fatal(err)
	}
	// What the tier sets for its own connections: the raw command pays for the
	// same deadlines.
	opts.MaxRetries, opts.ContextTimeoutEnabled = -1, true
	s := &sharedBench{B: b, dsn: filepath.Join(b.TempDir(), "bench.db"), space: rand.Text(), redis: redis.NewClient(opts)}
	b.Cleanup(func() { s.redis.Close() })
	bare, err := sql.Open("sqlite", s.dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	_, err = bare.Exec(`CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL, at DATETIME NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
INSERT INTO books SELECT i, 'row ' || i, datetime('2026-02-03 04:05:06', i || ' seconds') FROM n`)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *sharedBench) open(size local.Config) (*querycache.Cache, *sql.DB) {
	s.Helper()
	cache, err := querycache.New(querycache.Config{
		Dialect: sqlite.Dialect(), DefaultTTL: time.Hour, Redis: s.redis, Namespace: s.space, Local: size,
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { cache.Close() })
	connector, err := cache.Driver(&modernc.Driver{}).(driver.DriverContext).OpenConnector(s.dsn)
	if err != nil {
		s.Fatal(err)
	}
	db := sql.OpenDB(connector)
	s.Cleanup(func() { db.Close() })
	return cache, db
}

// until polls, and fails after a time that only a fault takes.
func (s *sharedBench) until(what string, ok func() bool) {
	s.Helper()
	for start := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			s.Fatalf("waited in vain: %s", what)
		}
	}
}

// BenchmarkSharedHit reads answers that only the shared tier has, in turns with
// a GET of the same bytes, and with the same answer from memory: reading it
// through database/sql, row by row, costs the same wherever it comes from. It
// reports:
//
//	raw-ns, shared-ns, local-ns  the mean of each
//	ratio                        shared over raw
//	net                          without what the answer costs from memory: (shared - local) over raw
//	ratio-p10, net-p10           the same of the 10th percentiles, where neither side had to be woken
//
// There is a read from memory before each: in a loop of nothing but GETs neither
// side goes to sleep, which makes them several times faster than in any program.
func BenchmarkSharedHit(b *testing.B) {
	for _, rows := range []int{1, 100} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			s := newSharedBench(b)
			query := fmt.Sprintf("SELECT id, title, at FROM books WHERE id <= %d", rows)
			_, filler := s.open(local.Config{})
			fill := fetch(b, filler, query)
			var key string
			s.until("the answer is in Redis", func() bool {
				fill()
				keys := s.redis.Keys(b.Context(), "qc:*"+s.space+"*:e").Val()
				if len(keys) == 1 {
					key = keys[0]
				}
				return key != ""
			})
			// No answer fits into the memory of the one that reads.
			cache, db := s.open(local.Config{MaxBytes: 1})
			shared := fetch(b, db, query)
			s.until("it is read from there", func() bool { shared(); return cache.Stats().Shared.Hits > 0 })
			size := 0
			raw := func() {
				ctx, cancel := context.WithTimeout(context.Background(), remote.DefaultTimeout)
				defer cancel()
				value, err := s.redis.Get(ctx, key).Bytes()
				if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
					b.Fatal(err)
				}
				size = max(size, len(value))
			}
			timed := func(f func()) int64 {
				fill() // as a program does something before it asks for the next
				start := time.Now()
				f()
				return time.Since(start).Nanoseconds()
			}
			var raws, shareds, locals durations
			before := cache.Stats()
			for b.Loop() {
				raws, shareds, locals = append(raws, timed(raw)), append(shareds, timed(shared)), append(locals, timed(fill))
			}
			after, n := cache.Stats(), int64(len(raws))
			hits, late := after.Shared.Hits-before.Shared.Hits, misses(after)-misses(before)
			if hits < (n-late)*99/100 {
				b.Fatalf("%d of %d reads from the shared tier, %d too late, %d from memory: not a benchmark of it", hits, n, late, after.Hits-before.Hits)
			}
			r, sh, m := raws.mean(), shareds.mean(), locals.mean()
			b.ReportMetric(0, "ns/op") // of all of them: meaningless
			b.ReportMetric(float64(size), "bytes")
			b.ReportMetric(r, "raw-ns")
			b.ReportMetric(sh, "shared-ns")
			b.ReportMetric(m, "local-ns")
			b.ReportMetric(sh/r, "ratio")
			b.ReportMetric((sh-m)/r, "net")
			b.ReportMetric(shareds.tenth()/raws.tenth(), "ratio-p10")
			b.ReportMetric((shareds.tenth()-locals.tenth())/raws.tenth(), "net-p10")
		})
	}
}

// misses are reads that did not get an answer from Redis in its time.
func misses(st querycache.Stats) int64 {
	n := st.Bypasses[querycache.ReasonLease]
	for _, d := range st.Shared.Databases {
		n += d.Tier.Get.Timeouts + d.Tier.Refused
	}
	return n
}

type durations []int64 // nanoseconds

func (d durations) mean() float64 {
	sum := int64(0)
	for _, x := range d {
		sum += x
	}
	return float64(sum) / float64(len(d))
}

// tenth returns the 10th percentile.
func (d durations) tenth() float64 {
	slices.Sort(d)
	return float64(d[len(d)/10])
}

// BenchmarkSharedInvalidate tells the fleet that a table was written; that costs
// the same however many answers depend on it.
func BenchmarkSharedInvalidate(b *testing.B) {
	for _, entries := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			s := newSharedBench(b)
			cache, db := s.open(local.Config{MaxBytes: 1 << 30})
			waiting := func() int64 {
				d := cache.Stats().Shared.Databases
				if len(d) == 0 {
					return 0
				}
				return d[0].Tier.FillsWaiting
			}
			warm := fetch(b, db, "SELECT id, title, at FROM books WHERE id = 1")
			s.until("answers are stored", func() bool { warm(); return cache.Stats().Hits > 0 })
			for i := range entries {
				fetch(b, db, "SELECT id, title, at FROM books WHERE id <= 1 AND ? > 0", i+1)()
				if i%500 == 0 {
					s.until("the answers are in Redis", func() bool { return waiting() == 0 })
				}
			}
			if st := cache.Stats(); st.Local.Entries < int64(entries)*9/10 {
				b.Fatalf("%d entries: %+v", st.Local.Entries, st.Shared)
			}
			for b.Loop() {
				if err := cache.Invalidate(b.Context(), "books"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
