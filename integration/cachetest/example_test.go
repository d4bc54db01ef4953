package cachetest_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/integration/cachetest"
)

// shop is the program's: it knows nothing of the cache.
type shop struct{ db *sql.DB }

func (s shop) price(ctx context.Context, id int) (price int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT price FROM goods WHERE id = $1", id).Scan(&price)
	return price, err
}

func (s shop) setPrice(ctx context.Context, id, price int) error {
	_, err := s.db.ExecContext(ctx, "UPDATE goods SET price = $1 WHERE id = $2", price, id)
	return err
}

// testShop is a test of it; the program calls it TestShop.
func testShop(t testing.TB) {
	env := cachetest.New(t, cachetest.Options{
		Schema: "CREATE TABLE goods (id int PRIMARY KEY, price int, changed timestamptz); INSERT INTO goods VALUES (7, 100)",
	})
	// A function with a context and what it has to return.
	read := func(s shop, want int) func(context.Context) error {
		return func(ctx context.Context) error {
			price, err := s.price(ctx, 7)
			if err == nil && price != want {
				err = fmt.Errorf("the price is %d, want %d", price, want)
			}
			return err
		}
	}

	here := shop{env.DB}
	env.Call(read(here, 100)).From(t, querycache.Database)
	env.Call(read(here, 100)).From(t, querycache.Local)

	// Another process has it from Redis.
	second := env.Second(t)
	there := shop{second.DB}
	second.Call(read(there, 100)).From(t, querycache.Remote)
	second.Call(read(there, 100)).From(t, querycache.Local)

	// Own writes are seen at once, those of others a moment later.
	if err := here.setPrice(t.Context(), 7, 90); err != nil {
		t.Fatal(err)
	}
	env.Call(read(here, 90)).From(t, querycache.Database)
	second.Call(read(there, 90)).Eventually(t)

	// And what must never be cached.
	env.Query("SELECT price FROM goods WHERE changed < now()").Refused(t, dialect.ReasonClock)
}

// A test of a layer over the database, as a user of querycache writes it.
func Example() {
	var t testing.TB // the test's
	testShop(t)
}
