package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/querycache/querycache"
)

// wrapped opens a database with a cache of its own in front of the connector.
var wrapped = func(t testing.TB, c driver.Connector, _ bool) *sql.DB {
	t.Helper()
	cache, err := querycache.New(querycache.Config{
		// The scenarios SET what varies themselves.
		Session: func(context.Context) (string, bool) { return "", true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return cache.OpenDB(c)
}

// wrappedCaches reports whether reads of db may be answered from memory.
func wrappedCaches(db *sql.DB) bool {
	_, ok := querycache.From(db)
	return ok
}
