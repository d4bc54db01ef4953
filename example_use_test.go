package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/sqlite"
)

// openShop is a program's: a database of goods through a cache of its own.
func openShop() (cache *querycache.Cache, db *sql.DB, done func()) {
	dir, err := os.MkdirTemp("", "querycache")
	if err != nil {
		log.Fatal(err)
	}
	connector, err := modernc.NewConnector(filepath.Join(dir, "shop.db"))
	if err != nil {
		log.Fatal(err)
	}
	cache, err = querycache.New(querycache.Config{Dialect: sqlite.Dialect()})
	if err != nil {
		log.Fatal(err)
	}
	db = cache.OpenDB(connector)
	if _, err := db.Exec("CREATE TABLE goods (id INTEGER PRIMARY KEY, price INTEGER); INSERT INTO goods VALUES (7, 100)"); err != nil {
		log.Fatal(err)
	}
	return cache, db, func() {
		db.Close()
		cache.Close()
		os.RemoveAll(dir)
	}
}

// A read tells where it came from and, if it was not cached, why.
func ExampleWithResult() {
	_, db, done := openShop()
	defer done()

	for _, query := range []string{
		"SELECT /* cache: ttl=30s */ price FROM goods",
		"SELECT /* cache: ttl=30s */ price FROM goods",
		"SELECT /* cache: ttl=30s */ price FROM goods WHERE random() IS NOT NULL",
		"SELECT /* cache: ttl=30 */ price FROM goods",
	} {
		ctx, res := querycache.WithResult(context.Background())
		var price int
		if err := db.QueryRowContext(ctx, query).Scan(&price); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %v %q\n", price, res.Source(), res.Reason())
	}
	// Output:
	// 100 database ""
	// 100 local ""
	// 100 database "volatile_function"
	// 100 database "malformed_hint"
}

// Before a statement is run: what it depends on, and whether it may be cached.
func ExampleCache_Explain() {
	cache, db, done := openShop()
	defer done()

	for _, query := range []string{
		"SELECT /* cache: ttl=30s */ price FROM goods WHERE id = ?",
		"SELECT /* cache: ttl=30 */ price FROM goods WHERE id = ?",
		"UPDATE goods SET price = 90 WHERE id = ?",
	} {
		e, err := cache.Explain(context.Background(), db, query, 7)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v %v %v %t %q\n", e.Kind, e.Tables, e.Writes, e.Cacheable, e.Reason)
		if e.HintError != nil {
			fmt.Println(e.HintError)
		}
	}
	// Output:
	// read [main.goods] [] true ""
	// read [main.goods] [] false "malformed_hint"
	// ttl=30 is malformed, expected ttl=30s or the like: a duration above 0 with its unit
	// write [] [main.goods] false "not_read"
}

// What is written past the cache shows when the lifetime ends, or as soon as
// the cache is told.
func ExampleCache_Invalidate() {
	cache, db, done := openShop()
	defer done()
	price := func() (n int) {
		if err := db.QueryRow("SELECT /* cache: ttl=30s */ price FROM goods WHERE id = ?", 7).Scan(&n); err != nil {
			log.Fatal(err)
		}
		return n
	}
	fmt.Println(price())

	var file string
	if err := db.QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		log.Fatal(err)
	}
	outside, err := sql.Open("sqlite", file)
	if err != nil {
		log.Fatal(err)
	}
	defer outside.Close()
	if _, err := outside.Exec("UPDATE goods SET price = 90"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(price())
	if err := cache.Invalidate(context.Background(), "goods"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(price())
	// Output:
	// 100
	// 100
	// 90
}

// Tags end answers by something other than the tables they depend on.
func ExampleCache_InvalidateTags() {
	cache, db, done := openShop()
	defer done()
	read := func() querycache.Source {
		ctx, res := querycache.WithResult(querycache.WithTags(context.Background(), "tenant:42"))
		var price int
		if err := db.QueryRowContext(ctx, "SELECT /* cache: ttl=30s */ price FROM goods").Scan(&price); err != nil {
			log.Fatal(err)
		}
		return res.Source()
	}
	fmt.Println(read(), read())
	if err := cache.InvalidateTags(context.Background(), "tenant:42"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(read())
	// Output:
	// database local
	// database
}

// A cache of one's own for a driver, under a name for sql.Open.
func ExampleCache_Register() {
	cache, err := querycache.New(querycache.Config{Dialect: sqlite.Dialect(), DefaultTTL: 10 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	if err := cache.Register("sqlite-cached", &modernc.Driver{}); err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite-cached", "shop.db")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	// A name that is taken is an error.
	fmt.Println(cache.Register("sqlite-cached", &modernc.Driver{}))
	// Output:
	// querycache: Register: driver name "sqlite-cached" is taken, expected one that is not in sql.Drivers
}

// What goes past database/sql says what it writes.
func ExampleRaw() {
	_, db, done := openShop()
	defer done()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	err = querycache.Raw(ctx, conn, func(base driver.Conn) error {
		_, err := base.(driver.ExecerContext).ExecContext(ctx, "UPDATE goods SET price = 90", nil)
		return err
	}, "goods")
	fmt.Println(err)
	// Output:
	// <nil>
}

// Processes that share a Redis answer each other's reads and hear of each
// other's writes. A token carries them from one request to the next, wherever
// that is served.
func ExampleWithNotBefore() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer rdb.Close()
	cache, err := querycache.New(querycache.Config{Dialect: sqlite.Dialect(), Redis: rdb})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()

	// In the process that has written: hand the token on, in a cookie, say.
	token := cache.Token()

	// In the process that reads:
	ctx, err := querycache.WithNotBefore(context.Background(), token)
	if err != nil {
		log.Fatal(err) // the token is malformed
	}
	_ = ctx // for db.QueryContext: the read shows what was written
}
