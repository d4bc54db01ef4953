package querycache_test

import (
	"testing"

	"github.com/querycache/querycache"
)

// What a query takes that fails half way, in a timeout for instance, says nothing of
// what one takes that does not; leases last by that.
func TestFailedLoadsSayNothingOfTheCost(t *testing.T) {
	f := newFixture(t, nil)
	const text = "SELECT /* cache: ttl=1h */ CASE id WHEN ? THEN abs(-9223372036854775807 - 1) ELSE id END FROM books ORDER BY id"
	load := func(fails int) error {
		rows, err := f.db.QueryContext(querycache.WithRefresh(t.Context()), text, fails)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	}
	if err := load(-1); err != nil {
		t.Fatal(err)
	}
	before := f.cache.CostOf(text)
	if before <= 0 {
		t.Fatalf("a query takes %v", before)
	}
	for range 3 {
		if load(2) == nil {
			t.Fatal("it did not fail")
		}
	}
	if after := f.cache.CostOf(text); after != before {
		t.Errorf("a query takes %v, and %v after some have failed", before, after)
	}
}
