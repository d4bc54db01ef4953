package querycache_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/sqlite"
	"github.com/querycache/querycache/local"
)

// Databases opened by name share one cache, so that each sees the others'
// writes; it ends with the last of them.
func TestSharedDriver(t *testing.T) {
	p := &plainDB{t}
	ctx := context.Background()
	dsn := filepath.Join(t.TempDir(), "test.db")
	first, second := open(t, sqlite.Name, dsn), open(t, sqlite.Name, "file:"+dsn)
	for _, text := range []string{"CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)"} {
		if _, err := first.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	const query = "SELECT n FROM t /* cache: ttl=1m */"
	cache, _ := querycache.From(first)
	if cache == nil {
		t.Fatal("the database has no cache")
	}
	p.expect(ctx, first, query, "int64:1 \n", querycache.Database)
	p.expect(ctx, first, query, "int64:1 \n", querycache.Local)
	if _, err := second.Exec("UPDATE t SET n = 2"); err != nil {
		t.Fatal(err)
	}
	p.expect(ctx, first, query, "int64:2 \n", querycache.Database)

	if other, _ := querycache.From(second); other != cache {
		t.Fatalf("caches %p and %p, want one", cache, other)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	p.expect(ctx, second, query, "int64:2 \n", querycache.Database) // a connector of its own
	p.expect(ctx, second, query, "int64:2 \n", querycache.Local)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := open(t, sqlite.Name, dsn)
	if again, _ := querycache.From(third); again == cache {
		t.Error("the cache has outlived the databases that it served")
	}
	p.expect(ctx, third, query, "int64:2 \n", querycache.Database)
}

func TestSharedDriverMistakes(t *testing.T) {
	t.Setenv("QUERYCACHE_TTL", "soon")
	if db, err := sql.Open(sqlite.Name, "x.db"); err == nil || !strings.Contains(err.Error(), "QUERYCACHE_TTL") {
		if err == nil {
			db.Close()
		}
		t.Errorf("error %v does not name the variable", err)
	}
}

func TestEnviron(t *testing.T) {
	env := map[string]string{"QUERYCACHE_TTL": "30s", "QUERYCACHE_LOCAL_BYTES": "1000", "QUERYCACHE_NAMESPACE": "n", "QUERYCACHE_DISABLED": "true"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	cfg, disabled, err := querycache.Environ(lookup)
	want := querycache.Config{DefaultTTL: 30 * time.Second, Local: local.Config{MaxBytes: 1000}, Namespace: "n"}
	if err != nil || !disabled || !reflect.DeepEqual(cfg, want) {
		t.Errorf("%+v, %v, %v", cfg, disabled, err)
	}
	for _, name := range []string{"QUERYCACHE_TTL", "QUERYCACHE_LOCAL_BYTES", "QUERYCACHE_DISABLED"} {
		env := map[string]string{name: "-7x"}
		_, _, err := querycache.Environ(func(n string) (string, bool) { v, ok := env[n]; return v, ok })
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v does not name it", name, err)
		}
	}
}
