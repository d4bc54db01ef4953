package postgres_test

import (
	"context"
	"database/sql"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
	_ "github.com/querycache/querycache/dialect/postgres" // registers "pgxcache"
	"github.com/querycache/querycache/internal/testserver"
)

// TestReadme runs what the pages show.
func TestReadme(t *testing.T) {
	ctx := t.Context()
	dsn := testserver.Postgres(t)
	bare, err := sql.Open("pgx", dsn)
	check(t, err)
	defer bare.Close()
	_, err = bare.Exec(`CREATE TABLE goods (id int PRIMARY KEY, name text, price int); INSERT INTO goods VALUES (7, 'pen', 100)`)
	check(t, err)

	var name string
	var price int
	db, err := sql.Open("pgxcache", dsn) // was: sql.Open("pgx", dsn)
	check(t, err)
	defer db.Close()
	const query = `SELECT /* cache: ttl=30s */ name, price FROM goods WHERE id = $1`
	err = db.QueryRow(query, 7).Scan(&name, &price)
	check(t, err)
	if name != "pen" || price != 100 {
		t.Errorf("%s costs %d", name, price)
	}
	_, err = db.Exec(`UPDATE goods SET price = $1 WHERE id = $2`, 90, 7)
	check(t, err)
	err = db.QueryRow(query, 7).Scan(&name, &price)
	check(t, err)
	if price != 90 {
		t.Errorf("%s costs %d after the write", name, price)
	}
	ctx, res := querycache.WithResult(ctx)
	err = db.QueryRowContext(ctx, query, 7).Scan(&name, &price)
	check(t, err)
	log.Println(res.Source(), res.Reason(), res.Age())
	if price != 90 || res.Source() == querycache.Unknown {
		t.Errorf("%s costs %d, from %v", name, price, res.Source())
	}
}

// TestReadmeOwnCache runs what the pages show of a cache of one's own.
func TestReadmeOwnCache(t *testing.T) {
	dsn := testserver.Postgres(t)
	cache, err := querycache.New(querycache.Config{Dialect: postgres.Dialect(), DefaultTTL: 10 * time.Second})
	check(t, err)
	err = cache.Register("pgx-cached", stdlib.GetDefaultDriver()) // then sql.Open("pgx-cached", dsn)
	check(t, err)
	defer cache.Close()
	db, err := sql.Open("pgx-cached", dsn)
	check(t, err)
	defer db.Close()
	_, err = db.Exec("CREATE TABLE goods (id int)")
	check(t, err)
	// The catalog is being read when the database has just been opened.
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		ctx, res := querycache.WithResult(limited)
		var n int
		check(t, db.QueryRowContext(ctx, "SELECT count(*) FROM goods").Scan(&n))
		if res.Source() == querycache.Local {
			break
		}
		if r := res.Reason(); r != "" && r != querycache.ReasonCatalog {
			t.Fatalf("not cached: %s", r)
		}
	}
}

// TestReadmeConfig makes the configurations that the pages show. No server is
// asked before a database is opened.
func TestReadmeConfig(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer rdb.Close()
	cache, err := querycache.New(querycache.Config{Dialect: postgres.Dialect(), Redis: rdb}) // or QUERYCACHE_REDIS_URL
	check(t, err)
	check(t, cache.Close())
	cache, err = querycache.New(querycache.Config{
		Writes: map[string][]string{
			"public.audit":                  {"public.audit_log"}, // the function of a trigger; all functions of that name
			"public.close_month(date,text)": {"public.months", "public.totals"},
			"public.notify_shop":            {}, // writes nothing
		},
	})
	check(t, err)
	check(t, cache.Close())
}

// TestReadmeIsRun: each line of code that the pages show is one that runs here.
func TestReadmeIsRun(t *testing.T) {
	source, err := os.ReadFile("readme_test.go")
	check(t, err)
	run := map[string]bool{}
	for line := range strings.Lines(string(source)) {
		run[strings.TrimSpace(line)] = true
	}
	n := 0
	for _, page := range []string{"../../README.md", "../../docs/postgres.md", "../../docs/processes.md", "../../docs/configuration.md"} {
		text, err := os.ReadFile(page)
		check(t, err)
		for i, block := range strings.Split(string(text), "```") {
			code, ok := strings.CutPrefix(block, "go\n")
			if i%2 == 0 || !ok {
				continue
			}
			for line := range strings.Lines(code) {
				line = strings.TrimPrefix(strings.TrimSpace(line), "import ")
				if line == "" || strings.HasPrefix(line, "//") {
					continue
				}
				if n++; !run[line] {
					t.Errorf("%s shows what does not run here: %s", page, line)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d lines of code were found", n)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
