package querycache_test

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/local"
)

// A stampede: 200 readers of one row, whose query takes 10 ms and whose answer
// lives for 100 ms. An operation is one lifetime. What is reported:
//
//	queries     that reached the database, per lifetime
//	at-a-time   the most of them that ran together
//	p99-µs      what 99 of 100 reads took at most
//	waited-%    reads that took as long as a query
const (
	stampedeReaders = 200
	stampedeCost    = 10 * time.Millisecond
	stampedeTTL     = 100 * time.Millisecond
	stampedeRow     = "SELECT * FROM t WHERE id = 1"
	stampedeHint    = "SELECT /* cache: ttl=100ms tables=t */ * FROM t WHERE id = 1"
)

func BenchmarkStampede(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		stampedes(b, func(srv *fakedriver.Server) func() {
			return readRow(b, bareDB(b, srv), stampedeRow)
		})
	})
	// What is often written by hand: whoever finds it too old asks.
	b.Run("map", func(b *testing.B) {
		stampedes(b, func(srv *fakedriver.Server) func() {
			var until atomic.Int64
			ask := readRow(b, bareDB(b, srv), stampedeRow)
			return func() {
				if time.Now().UnixNano() >= until.Load() {
					ask()
					until.Store(time.Now().Add(stampedeTTL).UnixNano())
				}
			}
		})
	})
	for _, variant := range []struct {
		name string
		beta float64
	}{{"coalesced", -1}, {"refreshed", 1}} {
		b.Run(variant.name, func(b *testing.B) {
			stampedes(b, func(srv *fakedriver.Server) func() {
				cache, err := querycache.New(querycache.Config{
					RefreshBeta: variant.beta, Local: local.Config{Jitter: -1},
					Session: func(context.Context) (string, bool) { return "", true },
				})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { cache.Close() })
				db := cache.OpenDB(srv.Connector(fakedriver.Full))
				b.Cleanup(func() { db.Close() })
				return readRow(b, db, stampedeHint)
			})
		})
	}
}

func bareDB(b *testing.B, srv *fakedriver.Server) *sql.DB {
	db := sql.OpenDB(srv.Connector(fakedriver.Full))
	db.SetMaxIdleConns(stampedeReaders)
	b.Cleanup(func() { db.Close() })
	return db
}

func readRow(b *testing.B, db *sql.DB, query string) func() {
	return func() {
		rows, err := db.QueryContext(context.Background(), query)
		if err != nil {
			b.Error(err)
			return
		}
		rows.Close()
	}
}

// stampedes lets readers read for as many lifetimes as are asked for.
func stampedes(b *testing.B, reader func(*fakedriver.Server) func()) {
	srv := fakedriver.New()
	read := reader(srv)
	read()
	srv.Delay(fakedriver.OpQuery, stampedeCost)
	before := srv.Count(fakedriver.OpQuery)
	var mu sync.Mutex // guards took
	var took []time.Duration
	var over atomic.Bool
	var work sync.WaitGroup
	for range stampedeReaders {
		work.Go(func() {
			var own []time.Duration
			for !over.Load() {
				start := time.Now()
				read()
				own = append(own, time.Since(start))
				time.Sleep(2 * time.Millisecond)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
		})
	}
	for b.Loop() {
		time.Sleep(stampedeTTL)
	}
	over.Store(true)
	work.Wait()
	slices.Sort(took)
	waited := len(took) - sortedBelow(took, stampedeCost*9/10)
	b.ReportMetric(0, "ns/op") // one lifetime
	b.ReportMetric(float64(srv.Count(fakedriver.OpQuery)-before)/float64(b.N), "queries")
	b.ReportMetric(float64(srv.Most(fakedriver.OpQuery)), "at-a-time")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(100*float64(waited)/float64(len(took)), "waited-%")
}

// sortedBelow returns how many of sorted times are below a bound.
func sortedBelow(times []time.Duration, bound time.Duration) int {
	at, _ := slices.BinarySearch(times, bound)
	return at
}
