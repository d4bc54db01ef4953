package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/sqlite"
)

// Swap the driver name, write a hint, and that is all.
func Example() {
	dir, err := os.MkdirTemp("", "querycache")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlitecache", filepath.Join(dir, "shop.db")) // was: "sqlite"
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.Exec("CREATE TABLE goods (id INTEGER PRIMARY KEY, price INTEGER)")
	db.Exec("INSERT INTO goods VALUES (7, 100)")

	price := func() (n int) {
		db.QueryRow("SELECT /* cache: ttl=30s */ price FROM goods WHERE id = ?", 7).Scan(&n)
		return n
	}
	fmt.Println(price())
	db.Exec("UPDATE goods SET price = 90 WHERE id = ?", 7)
	fmt.Println(price())
	// Output:
	// 100
	// 90
}

// A cache of one's own: chosen tables are cached without hints, and a read
// tells where it came from.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "querycache")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	connector, err := modernc.NewConnector(filepath.Join(dir, "shop.db"))
	if err != nil {
		log.Fatal(err)
	}
	setup := sql.OpenDB(connector)
	setup.Exec("CREATE TABLE goods (id INTEGER PRIMARY KEY, price INTEGER)")
	setup.Close()

	cache, err := querycache.New(querycache.Config{
		Dialect: sqlite.Dialect(),
		Rules:   []querycache.Rule{{Tables: []string{"goods"}, TTL: time.Minute}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	db := cache.OpenDB(connector)
	defer db.Close()

	for range 2 {
		ctx, res := querycache.WithResult(context.Background())
		var n int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM goods").Scan(&n); err != nil {
			log.Fatal(err)
		}
		fmt.Println(n, res.Source())
	}
	ctx, res := querycache.WithResult(context.Background())
	var at string
	if err := db.QueryRowContext(ctx, "SELECT datetime('now') FROM goods UNION SELECT 'x'").Scan(&at); err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Source(), res.Reason())
	// Output:
	// 0 database
	// 0 local
	// database clock_function
}
