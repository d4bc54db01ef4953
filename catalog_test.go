package querycache_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/dialect/sqlite"
	"github.com/querycache/querycache/internal/fakedriver"
)

// What others do to the schema, past the cache, is found out by reading the
// catalog again.
func TestSchemaChangedByOthers(t *testing.T) {
	f := newFixture(t, nil)
	const query = "SELECT title FROM shelf LIMIT 1"
	f.warm(query)
	f.exec(f.bare, "DROP VIEW shelf")
	f.exec(f.bare, "CREATE VIEW shelf AS SELECT n AS title FROM other")

	f.cache.AgeCatalogs(querycache.DefaultCatalogInterval)
	f.refresh(query) // new answers make it look
	if x := f.explain(query); !slices.Equal(x.Tables, []string{"main.other"}) {
		t.Errorf("the redefined view depends on %q, want main.other", x.Tables)
	}
	f.exec(f.db, "UPDATE other SET n = 5")
	if got, res := f.read(f.db, query); got != "int64:5 \n" || res.Source() != querycache.Database {
		t.Errorf("after a write to what the redefined view reads: %q from %v", got, res.Source())
	}
}

// A catalog too old is not used for new answers, nor for what a write reaches.
// That of an embedded database is read by the statement that needs it.
func TestOutdatedCatalog(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	f.exec(f.bare, "DROP VIEW shelf")
	f.exec(f.bare, "CREATE VIEW shelf AS SELECT n AS title FROM other")
	f.cache.AgeCatalogs(time.Hour)
	if _, res := f.read(f.db, other); res.Source() != querycache.Local {
		t.Errorf("a hit comes from %v: what is stored lives as long as it did", res.Source())
	}
	const query = "SELECT title FROM shelf LIMIT 1"
	if _, res := f.read(f.db, query); res.Reason() != "" {
		t.Errorf("a miss is refused with %q", res.Reason())
	}
	if _, res := f.read(f.db, query); res.Source() != querycache.Local {
		t.Errorf("what was read with a new catalog was not stored: from %v (%s)", res.Source(), res.Reason())
	}
	if x := f.explain(query); !slices.Equal(x.Tables, []string{"main.other"}) {
		t.Errorf("the redefined view depends on %q, want main.other", x.Tables)
	}

	f.warm(books)
	f.exec(f.bare, "CREATE TRIGGER far AFTER UPDATE ON other BEGIN UPDATE books SET title = 'far'; END")
	f.cache.AgeCatalogs(time.Hour)
	f.exec(f.db, "UPDATE other SET n = 1")
	if got, _ := f.read(f.db, books); !strings.Contains(got, "far") {
		t.Errorf("a write did not reach what a new trigger writes: %s", got)
	}
	if n := f.cache.Stats().Everything[querycache.ReasonCatalog]; n != 0 {
		t.Errorf("%d writes reached everything for want of a catalog, want 0", n)
	}
}

// Other catalogs are read in the background; who needs one waits for it.
func TestOutdatedCatalogInBackground(t *testing.T) { synctest.Test(t, outdatedInBackground) }

func outdatedInBackground(t *testing.T) {
	p := &plainDB{t}
	ctx := context.Background()
	cache := newCache(t, querycache.Config{Dialect: newAsking()})
	db := p.cached(cache, signedIn{fakedriver.New().Connector(fakedriver.Full), "ann"})
	p.expect(ctx, db, one, "int64:1 string:one int64:1 \n", querycache.Database)
	cache.AgeCatalogs(time.Hour)
	p.expect(ctx, db, one, "int64:1 string:one int64:1 \n", querycache.Local)
	// A miss waits for the new one, and so does a write.
	p.expect(ctx, db, tenant, "string:ann \n", querycache.Database)
	p.expect(ctx, db, tenant, "string:ann \n", querycache.Local)
	cache.AgeCatalogs(time.Hour)
	if _, err := db.Exec(update, "new", 1); err != nil {
		t.Fatal(err)
	}
	if n := cache.Stats().Everything[querycache.ReasonCatalog]; n != 0 {
		t.Errorf("%d writes reached everything for want of a catalog, want none", n)
	}
	p.expect(ctx, db, one, "int64:1 string:new int64:2 \n", querycache.Database)
}

// A hangingDialect has a catalog that can be made to take for ever.
type hangingDialect struct {
	askingDialect
	hang    *atomic.Bool
	release chan struct{}
}

func (d hangingDialect) Load(ctx context.Context, conn driver.Conn) (dialect.Catalog, error) {
	if d.hang.Load() {
		select {
		case <-d.release:
		case <-ctx.Done():
		}
	}
	return d.askingDialect.Load(ctx, conn)
}

// A catalog that cannot be read is waited for once, and not for long: until it is
// known nothing is cached, and a write reaches everything.
func TestCatalogThatHangs(t *testing.T) { synctest.Test(t, catalogHangs) }

func catalogHangs(t *testing.T) {
	p := &plainDB{t}
	ctx := t.Context()
	d := hangingDialect{newAsking(), new(atomic.Bool), make(chan struct{})}
	cache := newCache(t, querycache.Config{Dialect: d})
	db := p.cached(cache, signedIn{fakedriver.New().Connector(fakedriver.Full), "ann"})
	p.expect(ctx, db, one, "int64:1 string:one int64:1 \n", querycache.Database)
	d.hang.Store(true)
	cache.AgeCatalogs(time.Hour)
	p.expect(ctx, db, one, "int64:1 string:one int64:1 \n", querycache.Local)
	start := time.Now()
	for range 50 {
		withRes, res := querycache.WithResult(ctx)
		if _, err := dump(withRes, db, tenant); err != nil || res.Reason() != querycache.ReasonCatalog {
			t.Fatalf("a miss is refused with %q, %v, want %q", res.Reason(), err, querycache.ReasonCatalog)
		}
	}
	if _, err := db.Exec(update, "new", 1); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("50 reads and a write took %v", took)
	}
	if n := cache.Stats().Everything[querycache.ReasonCatalog]; n != 1 {
		t.Errorf("%d writes reached everything for want of a catalog, want 1", n)
	}
	close(d.release)
	cache.CatalogWork()
	p.expect(ctx, db, one, "int64:1 string:new int64:2 \n", querycache.Database)
	p.expect(ctx, db, one, "int64:1 string:new int64:2 \n", querycache.Local)
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
		asked := time.Now() // and not later, however long it takes
		if got, _ = f.read(f.db, brief); got == "int64:0 \n" && asked.Sub(written) > time.Second {
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

// A program that runs one statement after the other never meets a lock on the
// bare driver, so the cache must not bring one in: in SQLite a reader of the
// catalog on a connection of its own would keep a writer from committing.
func TestCatalogLocksNobodyOut(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "test.db")
	cache, err := querycache.New(querycache.Config{Dialect: sqlite.Dialect(), DefaultTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	connector, err := modernc.NewConnector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := cache.OpenDB(connector)
	defer db.Close()
	for i := range 300 {
		for _, text := range []string{
			fmt.Sprintf("CREATE TABLE t%d (n INTEGER)", i),
			fmt.Sprintf("INSERT INTO t%d VALUES (1)", i),
			fmt.Sprintf("UPDATE t%d SET n = 2", i),
		} {
			if _, err := db.Exec(text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			cache.AgeCatalogs(40 * time.Second)
		}
		var n int
		if err := db.QueryRow(fmt.Sprintf("SELECT n FROM t%d", i)).Scan(&n); err != nil || n != 2 {
			t.Fatalf("%d, %v", n, err)
		}
	}
}
