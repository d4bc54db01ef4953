package integration

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
	"github.com/querycache/querycache/internal/busy"
	"github.com/querycache/querycache/internal/testserver"
)

// A pair are two caches in this process, for what needs no more.
type pair struct {
	*testing.T
	dsn     string
	bare    *sql.DB
	space   string
	a, b    *node
	machine *busy.Watch
	// wrote is when a write began that is waited for, and missed how many Syncs
	// had failed by then.
	wrote  time.Time
	missed int64
}

type node struct {
	*pair
	cache *querycache.Cache
	db    *sql.DB
}

func newPair(t *testing.T, client redis.UniversalClient, schema string, change func(*querycache.Config)) *pair {
	t.Helper()
	return newPairOn(t, testserver.Postgres(t), client, schema, change)
}

// newPairOn is newPair on a server of the test's own.
func newPairOn(t *testing.T, dsn string, client redis.UniversalClient, schema string, change func(*querycache.Config)) *pair {
	t.Helper()
	p := &pair{T: t, dsn: dsn, space: rand.Text(), machine: busy.New(t)}
	p.bare = openBare(t, p.dsn)
	mustExec(t, p.bare, schema+"; CREATE TABLE known (v int)")
	p.a, p.b = p.node(client, p.dsn, change), p.node(client, p.dsn, change)
	return p
}

// node returns one more, which uses answers.
func (p *pair) node(client redis.UniversalClient, dsn string, change func(*querycache.Config)) *node {
	p.Helper()
	cfg := querycache.Config{
		Dialect: postgres.Dialect(), DefaultTTL: time.Minute, Redis: client, Namespace: p.space,
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	cache, err := querycache.New(cfg)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { cache.Close() })
	connector, err := cache.Driver(stdlib.GetDefaultDriver()).(driver.DriverContext).OpenConnector(dsn)
	if err != nil {
		p.Fatal(err)
	}
	n := &node{pair: p, cache: cache, db: sql.OpenDB(connector)}
	p.Cleanup(func() { n.db.Close() })
	n.warm("SELECT count(*) FROM known") // and so it knows the catalog
	return n
}

// live reports whether the node uses answers.
func (n *node) live() bool {
	for _, d := range n.cache.Stats().Shared.Databases {
		if d.Live {
			return true
		}
	}
	return false
}

// unplant takes away the bump of everything that a new epoch has planned, the
// deadline after its beginning: it would hide that nobody else bumps. On a slow
// machine it may have come by now.
func (p *pair) unplant(client redis.UniversalClient) {
	p.Helper()
	ctx, n := p.Context(), int64(0)
	for _, key := range client.Keys(ctx, "{qc:*"+p.space+"*:z").Val() {
		for _, member := range client.ZRange(ctx, key, 0, -1).Val() {
			if strings.HasPrefix(member, "!w\x00?\x00") {
				n += client.ZRem(ctx, key, member).Val()
			}
		}
		if client.ZScore(ctx, key, "t:*").Err() == nil {
			n++ // it has come
		}
	}
	if n != 1 {
		p.Errorf("%d bumps of everything were planned, want 1", n)
	}
}

// redisClient is one as a user makes it, for a server or the shared one.
func redisClient(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func (p *pair) until(what string, ok func() bool) time.Duration {
	p.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > 2*time.Minute {
			p.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(start)
}

// read returns the first value of the first row as text.
func (n *node) read(query string, args ...any) (string, *querycache.Result) {
	n.Helper()
	ctx, res := querycache.WithResult(context.Background())
	var v any
	if err := n.db.QueryRowContext(ctx, query, args...).Scan(&v); err != nil {
		n.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprint(v), res
}

// warm reads until the answer is from memory.
func (n *node) warm(query string, args ...any) string {
	n.Helper()
	value := ""
	n.until(query+" from memory", func() bool {
		got, res := n.read(query, args...)
		value = got
		return res.Source() == querycache.Local
	})
	return value
}

// steady is read as it is while the fleet is heard of: a busy machine may lose
// Redis for a moment, and then all is asked of the database.
func (n *node) steady(query string, args ...any) (value string, res *querycache.Result) {
	n.Helper()
	n.until("the fleet is heard of", func() bool {
		value, res = n.read(query, args...)
		return res.Reason() != querycache.ReasonLease
	})
	return value, res
}

// sees waits until a read shows a value, and fails if that takes longer than
// most, give or take what a busy machine is late by.
func (n *node) sees(query, want string, most time.Duration) {
	n.Helper()
	since := n.wrote
	if since.IsZero() { // elsewhere, and not long ago
		since = time.Now()
	}
	took := n.until(query+" shows "+want, func() bool { got, _ := n.read(query); return got == want })
	if margin := n.margin(since) + n.late(); took > most+margin {
		n.Errorf("%s shows the write after %v, bound %v and %v for a busy machine", query, took, most, margin)
	}
	n.wrote, n.missed = time.Time{}, n.syncErrors()
	n.Logf("%s: seen after %v", n.Name(), took)
}

// slack is for a machine that does other things too.
const slack = 500 * time.Millisecond

// margin is by how much a bound on what began at a time has to be widened
// because the machine is busy.
func (p *pair) margin(since time.Time) time.Duration { return slack + p.machine.Margin(since) }

// late is by how much a bound on what was written last has to be widened: where
// Redis works, a Sync fails only because the machine is too busy to do it in time,
// and the next one is a poll away.
func (p *pair) late() time.Duration { return p.lateBy(p.syncErrors() - p.missed) }

func (*pair) lateBy(missed int64) time.Duration {
	return time.Duration(max(min(missed, 3), 0)) * (timeout + longPoll)
}

func (p *pair) syncErrors() (n int64) {
	for _, x := range []*node{p.a, p.b} {
		for _, d := range x.cache.Stats().Shared.Databases {
			n += d.Node.SyncErrors
		}
	}
	return n
}

func (n *node) exec(query string, args ...any) {
	n.Helper()
	n.wrote, n.missed = time.Now(), n.syncErrors()
	if _, err := n.db.Exec(query, args...); err != nil {
		n.Fatalf("%s: %v", query, err)
	}
}
