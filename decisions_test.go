package querycache_test

import (
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

// Sessions that take turns with one text do not decide anew each time.
func TestManySessionsDecideOnce(t *testing.T) {
	cache := newCache(t, querycache.Config{Dialect: dialect.Generic()})
	const sessions = 100
	if n := cache.DecideInTurns("SELECT /* cache: ttl=1m tables=a */ n FROM a", sessions, 10, false); n != sessions {
		t.Errorf("%d decisions, want %d", n, sessions)
	}
	if n := cache.DecideInTurns("SELECT /* cache: ttl=1m tables=b */ n FROM b", sessions, 5, true); n != 5*sessions {
		t.Errorf("%d decisions with 5 catalogs, want %d", n, 5*sessions)
	}
}
