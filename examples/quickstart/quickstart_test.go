package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
)

func small() config {
	cfg := defaults()
	cfg.authors, cfg.books, cfg.cold = 50, 2000, 100
	cfg.phase, cfg.pause, cfg.progress = 300*time.Millisecond, 50*time.Millisecond, io.Discard
	return cfg
}

func TestShow(t *testing.T) {
	var r *report
	// A machine that is busy enough does nothing at all in a short time.
	for cfg := small(); r == nil || cfg.phase < 10*time.Second && (r.with.writes == 0 || r.without.writes == 0 || int64(r.with.reads) == r.with.queries); cfg.phase *= 4 {
		var err error
		if r, err = run(context.Background(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	if saved := int64(r.with.reads) - r.with.queries; saved <= 0 {
		t.Errorf("%d queries saved, want some", saved)
	}
	if r.coldQueries != 1 {
		t.Errorf("%d queries for a cold key, want 1", r.coldQueries)
	}
	// Told by each read, and counted by the cache: two ways, one number.
	if n := int64(len(r.with.miss)); n != r.with.queries {
		t.Errorf("%d reads came from the database, but the cache counts %d queries", n, r.with.queries)
	}
	if r.coldQueries+r.coldWaited+r.coldHits != int64(r.cold) {
		t.Errorf("of %d readers %d asked, %d waited, %d came later", r.cold, r.coldQueries, r.coldWaited, r.coldHits)
	}
	if r.with.writes == 0 || r.without.writes == 0 {
		t.Error("nothing was written")
	}
	if r.steps[0].from != querycache.Local || r.steps[1].from != querycache.Database || r.steps[1].row.total != r.steps[0].row.total+1 {
		t.Errorf("around a write: %+v", r.steps)
	}
	if r.checked == 0 || r.fromMemory == 0 {
		t.Errorf("%d answers checked, %d of them from memory, want some", r.checked, r.fromMemory)
	}
	var out strings.Builder
	r.print(&out)
	for _, part := range []string{"queries saved", "hit ratio", "from memory", "from the database", "100 readers on one cold key: 1 database query", string(r.reason)} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the report does not say %q:\n%s", part, &out)
		}
	}
}

// The tables are gone afterwards, where the database is the user's.
func TestCleansUp(t *testing.T) {
	cfg := small()
	cfg.dsn = tempDSN(t)
	if _, err := run(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	if left := tables(t, cfg.dsn); len(left) > 0 {
		t.Errorf("left in the user's database: %q", left)
	}
}

func TestMistakes(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*config)
		want   string
	}{
		"no such driver":  {func(c *config) { c.driver, c.dsn = "nonsense", "x" }, `no driver "nonsense"`},
		"no dsn":          {func(c *config) { c.driver = "pgxcache" }, "-dsn"},
		"no cache":        {func(c *config) { c.driver, c.bare, c.dsn = "sqlite", "sqlite", ":memory:" }, "has no cache"},
		"unreachable dsn": {func(c *config) { c.dsn = "/nonexistent/folder/x.db" }, "connecting with sqlite"},
		"two caches":      {func(c *config) { c.bare = c.driver }, "is a caching driver"},
		"no time":         {func(c *config) { c.phase = 0 }, "-time"},
	} {
		cfg := small()
		test.change(&cfg)
		if _, err := run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v does not say %q", name, err, test.want)
		}
	}
}

func TestParse(t *testing.T) {
	var help strings.Builder
	if _, err := parse([]string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-driver") {
		t.Errorf("-h: error %v, and it says %q", err, &help)
	}
	for _, args := range [][]string{{"shop.db"}, {"-time", "soon"}, {"-nonsense"}} {
		var out strings.Builder
		if _, err := parse(args, &out); err == nil || out.Len() > 0 {
			t.Errorf("%q: error %v, and it writes %q", args, err, &out)
		}
	}
	if cfg, err := parse([]string{"-driver", "a", "-bare", "b", "-dsn", "c", "-time", "1s"}, io.Discard); err != nil ||
		cfg.driver != "a" || cfg.bare != "b" || cfg.dsn != "c" || cfg.phase != time.Second {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// A terminal gets one line that is rewritten, a file one line per phase.
func TestProgress(t *testing.T) {
	for terminal, lines := range map[bool]int{true: 0, false: 2} {
		var out strings.Builder
		p := progress{w: &out, terminal: terminal}
		p.phase("one")
		p.within("one, half")
		p.phase("two")
		p.end()
		if n := strings.Count(out.String(), "\n"); n != lines {
			t.Errorf("terminal %v: %d lines, want %d: %q", terminal, n, lines, &out)
		}
		if strings.Contains(out.String(), "\r") != terminal {
			t.Errorf("terminal %v: %q", terminal, &out)
		}
	}
}
