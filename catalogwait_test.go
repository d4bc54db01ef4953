package querycache_test

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

// A slowCatalog takes a time to be read.
type slowCatalog struct {
	askingDialect
	takes *atomic.Int64
	// changes: it is another one each time.
	changes bool
}

// anotherCatalog is equal to itself only.
type anotherCatalog struct{ dialect.Catalog }

func (d slowCatalog) Load(ctx context.Context, conn driver.Conn) (dialect.Catalog, error) {
	time.Sleep(time.Duration(d.takes.Load()))
	c, err := d.askingDialect.Load(ctx, conn)
	if d.changes {
		c = &anotherCatalog{c}
	}
	return c, err
}

// A catalog that takes long to read is waited for as long as that, once it is
// known what it takes: twice what the last reading took, two seconds at most.
func TestSlowCatalogIsWaitedFor(t *testing.T) {
	takes := new(atomic.Int64)
	inRush(t, querycache.Config{Dialect: slowCatalog{newAsking(), takes, true}}, func(r *rush) {
		if got := r.read(hot); got.err != nil {
			t.Fatal(got.err)
		}
		for _, tt := range []struct {
			what         string
			takes, waits time.Duration
			refused      bool
		}{
			{what: "the first that is slow", takes: 400 * time.Millisecond, waits: 250 * time.Millisecond, refused: true},
			{what: "as slow as the last", takes: 400 * time.Millisecond, waits: 400 * time.Millisecond},
			{what: "nearly twice as slow", takes: 790 * time.Millisecond, waits: 790 * time.Millisecond},
			{what: "more than twice as slow", takes: 1800 * time.Millisecond, waits: 1580 * time.Millisecond, refused: true},
			{what: "as slow as is waited for", takes: 1900 * time.Millisecond, waits: 1900 * time.Millisecond},
			{what: "slower than anybody waits", takes: 3 * time.Second, waits: 2 * time.Second, refused: true},
			{what: "known to be slower than anybody waits", takes: 3 * time.Second, waits: 2 * time.Second, refused: true},
		} {
			takes.Store(int64(tt.takes))
			r.cache.AgeCatalogs(time.Hour)
			start := time.Now()
			for _, waits := range []time.Duration{tt.waits, 0} { // one waits, and nobody after that
				if took, reason := r.renewed(hot); took != waits || (reason == querycache.ReasonCatalog) != tt.refused {
					t.Errorf("%s: a read took %v and was refused with %q, want %v and %t", tt.what, took, reason, waits, tt.refused)
				}
			}
			time.Sleep(tt.takes - time.Since(start))
			synctest.Wait() // until it is read
		}
	})
}

// After a reading that has found nothing new the next one is put off, and nobody
// waits for what cannot come in time.
func TestCatalogThatRestsIsNotWaitedFor(t *testing.T) {
	takes := new(atomic.Int64)
	inRush(t, querycache.Config{Dialect: slowCatalog{newAsking(), takes, false}}, func(r *rush) {
		takes.Store(int64(400 * time.Millisecond))
		r.renewed(hot)
		time.Sleep(time.Second)
		if took, reason := r.renewed(hot); took != 0 || reason != "" {
			t.Fatalf("the catalog is not known: %v, %q", took, reason)
		}
		for range 2 {
			r.cache.AgeCatalogs(time.Hour)
			r.renewed(hot)
			time.Sleep(500 * time.Millisecond) // it is read
			r.cache.AgeCatalogs(time.Hour)
			if took, reason := r.renewed(hot); took != 0 || reason != querycache.ReasonCatalog {
				t.Errorf("a read took %v and was refused with %q, although the catalog is not even being read", took, reason)
			}
			time.Sleep(10 * time.Second)
		}
	})
}

// renewed reads a new answer, and returns what that took and why it was refused.
func (r *rush) renewed(query string) (time.Duration, querycache.Reason) {
	r.Helper()
	start := time.Now()
	ctx, res := querycache.WithResult(querycache.WithRefresh(r.Context()))
	rows, err := r.db.QueryContext(ctx, query)
	if err != nil {
		r.Fatal(err)
	}
	rows.Close()
	return time.Since(start), res.Reason()
}
