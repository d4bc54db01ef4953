package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/querycache/querycache"
	_ "github.com/querycache/querycache/dialect/sqlite" // registers "sqlitecache"
)

// The main use: another driver name, and a hint where it pays.
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
	if _, err := db.Exec("CREATE TABLE goods (id INTEGER PRIMARY KEY, price INTEGER); INSERT INTO goods VALUES (7, 100)"); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		ctx, res := querycache.WithResult(context.Background())
		var price int
		if err := db.QueryRowContext(ctx, "SELECT /* cache: ttl=30s */ price FROM goods WHERE id = ?", 7).Scan(&price); err != nil {
			log.Fatal(err)
		}
		fmt.Println(price, res.Source())
	}
	// Output:
	// 100 database
	// 100 local
}
