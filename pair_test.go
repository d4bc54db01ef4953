package querycache_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/sqlite"
	"github.com/querycache/querycache/internal/busy"
	"github.com/querycache/querycache/remote"
)

// Two caches on one database and one Redis, as two processes have them.
type pair struct {
	*fixture          // the first
	second   *fixture // shares its database
	redis    *redis.Client
	joining  *redis.Client   // of who joins
	join     func() *fixture // one more
	machine  *busy.Watch
}

func newPair(t *testing.T, url string, change func(*querycache.Config)) *pair {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opts)
	t.Cleanup(func() { rdb.Close() })
	space := rand.Text()
	set := func(c *querycache.Config) {
		c.Redis, c.Namespace, c.DefaultTTL = rdb, space, time.Minute
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		if change != nil {
			change(c)
		}
	}
	p := &pair{fixture: newFixture(t, set), redis: rdb, joining: rdb, machine: busy.New(t)}
	p.join = func() *fixture {
		cfg := querycache.Config{Dialect: sqlite.Dialect()}
		set(&cfg)
		cfg.Redis = p.joining
		f := &fixture{T: t, cache: newCache(t, cfg), bare: p.bare, dsn: p.dsn}
		f.db = f.connect(p.dsn)
		p.until("the node is there", f.live)
		return f
	}
	p.until("the first node is there", p.live)
	unplant(t, rdb, space)
	p.second = p.join()
	return p
}

// unplant takes away the bump of everything that a new epoch has planned, five
// seconds after its beginning: a slow machine may be in the middle of something
// by then.
func unplant(t *testing.T, rdb *redis.Client, space string) {
	t.Helper()
	keys := rdb.Keys(t.Context(), "{qc:*"+space+"*:z").Val()
	if len(keys) != 1 {
		t.Fatalf("control keys: %q", keys)
	}
	for _, member := range rdb.ZRange(t.Context(), keys[0], 0, -1).Val() {
		if strings.HasPrefix(member, "!w\x00?\x00") {
			rdb.ZRem(t.Context(), keys[0], member)
			return
		}
	}
	if rdb.ZScore(t.Context(), keys[0], "t:*").Err() != nil { // nor has it come already
		t.Fatalf("no bump of everything is planned in %q", keys[0])
	}
}

func (f *fixture) live() bool {
	f.read(f.db, other)
	for _, d := range f.cache.Stats().Shared.Databases {
		if d.Live {
			return true
		}
	}
	return false
}

func (p *pair) until(what string, ok func() bool) {
	p.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.Fatalf("waited in vain: %s; %+v", what, p.cache.Stats().Shared)
		}
	}
}

// told waits until the fleet was told of all that f has written, and f uses
// answers: Redis may take longer than a write waits for it.
func (p *pair) told(f *fixture) {
	p.Helper()
	p.until("the fleet is told of what was written", func() bool { return f.knows(f) })
}

// agree waits until each knows what the other one has written.
func (p *pair) agree() {
	p.Helper()
	p.until("both know what was written", func() bool { return p.knows(p.second) && p.second.knows(p.fixture) })
}

// knows reports whether f knows what by has written, and that was told.
func (f *fixture) knows(by *fixture) bool {
	f.Helper()
	ctx, err := querycache.WithNotBefore(context.Background(), by.cache.Token())
	if err != nil {
		f.Fatal(err)
	}
	ctx, res := querycache.WithResult(ctx)
	if _, err := dump(ctx, f.db, "SELECT count(*) FROM audit WHERE n < 0"); err != nil {
		f.Fatal(err)
	}
	return res.Reason() != querycache.ReasonNotBefore && res.Reason() != querycache.ReasonLease
}

// stored waits until what f has read is in Redis.
func (p *pair) stored(f *fixture, query string) {
	p.Helper()
	tier := func() remote.Stats { return f.cache.Stats().Shared.Databases[0].Tier }
	lost := tier().FillsDropped
	p.until("the answers are in Redis", func() bool {
		now := tier()
		if now.FillsWaiting == 0 && now.FillsDropped > lost {
			lost = now.FillsDropped
			f.refresh(query) // and so it is sent once more
			return false
		}
		return now.FillsWaiting == 0
	})
}

// handed lets the first read, and then the second get the answer from Redis. If
// it gets it from elsewhere, which a busy machine may cause, another one does.
func (p *pair) handed(query string) {
	p.Helper()
	p.warm(query)
	p.stored(p.fixture, query)
	for try := 1; p.second.source(query) != querycache.Remote; try++ {
		if try == 10 {
			p.Fatalf("%s: no process gets it from Redis", query)
		}
		p.second = p.join()
	}
}

// source returns where a read comes from, and that it is right.
func (f *fixture) source(query string) querycache.Source {
	f.Helper()
	want, _ := f.read(f.bare, query)
	got, res := f.steady(query)
	if got != want {
		f.Errorf("%s: stale from %v: %q, want %q", query, res.Source(), got, want)
	}
	return res.Source()
}
