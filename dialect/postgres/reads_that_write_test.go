package postgres_test

import (
	"errors"
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
)

const act = `CREATE FUNCTION act() RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE other SET n = n + 1; RETURN 1; END $$`

// A read that a function makes a write says why it is not cached, as any other.
func TestReadsThatWriteSayWhy(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.DefaultTTL = 0 })
	f.exec(f.bare, act)
	f.warm(f.db, "SELECT /* cache: ttl=1m */ n FROM other")
	for query, want := range map[string]querycache.Reason{
		"SELECT /* cache: ttl=1m */ act() FROM other": dialect.ReasonVolatile,
		"SELECT /* cache: off */ act() FROM other":    querycache.ReasonOff,
		"SELECT act() FROM other":                     querycache.ReasonNoTTL,
	} {
		before := f.cache.Stats().Bypasses[want]
		_, res := f.read(f.db, query)
		if res.Source() != querycache.Database || res.Reason() != want {
			t.Errorf("%s: from %v, %q, want %q", query, res.Source(), res.Reason(), want)
		}
		if got := f.cache.Stats().Bypasses[want] - before; got != 1 {
			t.Errorf("%s: counted %d times as %s", query, got, want)
		}
	}
}

func TestReadsThatWriteAreRefused(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.Strict = true })
	f.exec(f.bare, act)
	f.warm(f.db, other)
	before, err := dump(t.Context(), f.bare, other)
	if err != nil {
		t.Fatal(err)
	}
	var refused *querycache.RefusedError
	if _, err := dump(t.Context(), f.db, "SELECT /* cache: ttl=1m */ act() FROM other"); !errors.As(err, &refused) || refused.Reason != dialect.ReasonVolatile {
		t.Errorf("%v", err)
	}
	if after, err := dump(t.Context(), f.bare, other); err != nil || after != before {
		t.Errorf("what was refused has run: %s after %s, %v", after, before, err)
	}
}
