package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
)

// The main use: another driver name, and a hint where it pays.
func Example() {
	db, err := sql.Open("pgxcache", os.Getenv("DATABASE_URL")) // was: "pgx"
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	const query = `SELECT /* cache: ttl=30s */ name, price FROM goods WHERE id = $1`
	ctx, res := querycache.WithResult(context.Background())
	var name string
	var price int
	if err := db.QueryRowContext(ctx, query, 7).Scan(&name, &price); err != nil {
		log.Fatal(err)
	}
	log.Println(name, price, res.Source(), res.Reason(), res.Age())
}

// A cache of one's own, configured by the program.
func ExampleDialect() {
	cache, err := querycache.New(querycache.Config{
		Dialect:    postgres.Dialect(),
		DefaultTTL: 10 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	if err := cache.Register("pgx-cached", stdlib.GetDefaultDriver()); err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("pgx-cached", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
}

// A pool may run hooks on its connections, which the cache cannot see: without
// Session its reads are not cached (session_hook).
func ExampleDialect_pool() {
	type tenant struct{}
	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	cache, err := querycache.New(querycache.Config{
		Dialect: postgres.Dialect(),
		// What the hooks set, here from the context. Nothing: return "", true.
		Session: func(ctx context.Context) (key string, ok bool) {
			key, ok = ctx.Value(tenant{}).(string)
			return key, ok
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	db := cache.OpenDB(stdlib.GetPoolConnector(pool))
	defer db.Close()
}

// COPY goes past database/sql, so it has to say what it writes.
func ExampleDialect_copy() {
	db, err := sql.Open("pgxcache", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	err = querycache.Raw(ctx, conn, func(base driver.Conn) error {
		rows := [][]any{{1, "pen"}, {2, "ink"}}
		_, err := base.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{"goods"}, []string{"id", "name"}, pgx.CopyFromRows(rows))
		return err
	}, "goods")
	if err != nil {
		log.Fatal(err)
	}
}
