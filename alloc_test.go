//go:build !race

package querycache_test

import "testing"

// What the way through the cache allocates beyond the empty driver. The race
// detector allocates too, so this runs without it.
func TestAllocations(t *testing.T) {
	bare, cached, _ := benchCache(t, 1)
	tests := []struct {
		name, query string
		most        float64
	}{
		{"hit", benchQuery, 1},
		{"pass-through", "SELECT id, title, at FROM books WHERE id = ?", 0},
	}
	for _, test := range tests {
		floor := testing.AllocsPerRun(1000, fetch(t, bare, test.query, 42))
		if over := testing.AllocsPerRun(1000, fetch(t, cached, test.query, 42)) - floor; over > test.most {
			t.Errorf("%s: %v allocations more than the empty driver's %v, want at most %v", test.name, over, floor, test.most)
		}
	}
}
