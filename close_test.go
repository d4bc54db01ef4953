package querycache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/querycache/querycache"
)

// Close ends every goroutine that New and the use of the cache have started:
// a bubble that ends with one left panics.
func TestCloseEndsAllGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(c *querycache.Config) { c.Local.IdleTime = time.Minute })
		f.warm(other)
		f.exec(f.db, "CREATE TABLE more (n INTEGER)") // the catalog is read in the background
		time.Sleep(2 * time.Minute)
		if _, res := f.read(f.db, other); res.Source() == querycache.Local {
			t.Error("an answer has outlived its TTL by a minute")
		}
		if err := f.cache.Close(); err != nil {
			t.Error(err)
		}
		if err := f.cache.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}
		if _, res := f.read(f.db, other); res.Reason() != querycache.ReasonDisabled {
			t.Errorf("read after Close is refused with %q, want %q", res.Reason(), querycache.ReasonDisabled)
		}
	})
}
