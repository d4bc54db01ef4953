package querycache_test

import (
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache"
)

// What others do to the schema, past the cache, is found out by reading the
// catalog again.
func TestSchemaChangedByOthers(t *testing.T) {
	f := newFixture(t, nil)
	const query = "SELECT title FROM shelf LIMIT 1"
	f.warm(query)
	f.exec(f.bare, "DROP VIEW shelf")
	f.exec(f.bare, "CREATE VIEW shelf AS SELECT n AS title FROM other")

	f.cache.AgeCatalogs(40 * time.Second)
	f.refresh(query) // new answers make it look, in the background
	f.cache.CatalogWork()
	f.refresh(query)
	if x := f.explain(query); !slices.Equal(x.Tables, []string{"main.other"}) {
		t.Errorf("the redefined view depends on %q, want main.other", x.Tables)
	}
	f.exec(f.db, "UPDATE other SET n = 5")
	if got, res := f.read(f.db, query); got != "int64:5 \n" || res.Source() != querycache.Database {
		t.Errorf("after a write to what the redefined view reads: %q from %v", got, res.Source())
	}
}

// A catalog too old is not used for new answers, nor for what a write reaches.
func TestOutdatedCatalog(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	f.cache.AgeCatalogs(time.Hour)
	if _, res := f.read(f.db, other); res.Source() != querycache.Local {
		t.Errorf("a hit comes from %v: what is stored lives as long as it did", res.Source())
	}
	if _, res := f.read(f.db, books); res.Reason() != querycache.ReasonCatalog {
		t.Errorf("a miss is refused with %q, want %q", res.Reason(), querycache.ReasonCatalog)
	}
	f.cache.CatalogWork()
	f.warm(books)

	f.cache.AgeCatalogs(time.Hour)
	f.exec(f.db, "UPDATE other SET n = 1")
	if n := f.cache.Stats().Everything[querycache.ReasonCatalog]; n != 1 {
		t.Errorf("%d writes reached everything for want of a catalog, want 1", n)
	}
	if _, res := f.read(f.db, books); res.Source() == querycache.Local {
		t.Error("a write with an outdated catalog has left an answer")
	}
}

func (f *fixture) refresh(query string) {
	f.Helper()
	if _, err := dump(querycache.WithRefresh(f.Context()), f.db, query); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) explain(query string) querycache.Explanation {
	f.Helper()
	x, err := f.cache.Explain(f.Context(), f.db, query)
	if err != nil {
		f.Fatal(err)
	}
	return x
}

// What is written past the cache shows when the lifetime ends, or when the
// program says that it was written.
func TestWritesPastTheCache(t *testing.T) {
	f := newFixture(t, nil)
	const brief = "SELECT n /* cache: ttl=200ms */ FROM other"
	f.warm(other)
	f.read(f.db, brief)
	f.exec(f.bare, "UPDATE other SET n = 9")
	if got, res := f.read(f.db, other); got != "int64:0 \n" || res.Source() != querycache.Local {
		t.Errorf("%q from %v, want the old row from memory", got, res.Source())
	}
	written := time.Now()
	for got := ""; got != "int64:9 \n"; {
		if got, _ = f.read(f.db, brief); got == "int64:0 \n" && time.Since(written) > time.Second {
			t.Fatal("the old row has outlived its lifetime")
		}
	}
	if err := f.cache.Invalidate(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.read(f.db, other); got != "int64:9 \n" {
		t.Errorf("%q after Invalidate, want the new row", got)
	}
}
