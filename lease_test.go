package querycache_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/busy"
	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/internal/testserver"
)

// A crew is some processes, as far as a cache of its own makes one, that share a
// Redis and a slow database.
type crew struct {
	*testing.T
	srv     *fakedriver.Server
	redis   *redis.Client
	space   string
	machine *busy.Watch
	caches  []*querycache.Cache
	dbs     []*sql.DB
}

func newCrew(t *testing.T, url string, n int) *crew {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := &crew{T: t, srv: fakedriver.New(), redis: redis.NewClient(opts), space: rand.Text(), machine: busy.New(t)}
	t.Cleanup(func() { c.redis.Close() })
	c.more(n)
	return c
}

// more lets n more processes join.
func (c *crew) more(n int) {
	c.Helper()
	for range n {
		cache := newCache(c.T, querycache.Config{
			Redis: c.redis, Namespace: c.space, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Session: func(context.Context) (string, bool) { return "", true },
		})
		db := cache.OpenDB(c.srv.Connector(fakedriver.Full))
		c.Cleanup(func() { db.Close() })
		c.caches, c.dbs = append(c.caches, cache), append(c.dbs, db)
		c.until("the node is there", func() bool {
			_, _ = c.read(db, "SELECT /* cache: ttl=1m tables=u */ * FROM u")
			st := cache.Stats().Shared.Databases
			return len(st) == 1 && st[0].Live
		})
		if len(c.caches) == 1 {
			unplant(c.T, c.redis, c.space)
		}
	}
}

// tried runs a test with an empty crew until it says that it has seen what it is
// to show, five times at most: on a busy machine a lease may end, or Redis not
// answer in its 50 ms, and then everybody helps himself.
func tried(t *testing.T, test func(t *testing.T, c *crew) bool) {
	t.Helper()
	triedOn(t, func() string { return testserver.Redis(t) }, test)
}

// triedOn is tried on a Redis of each try's own.
func triedOn(t *testing.T, url func() string, test func(t *testing.T, c *crew) bool) {
	t.Helper()
	for range 5 {
		if test(t, newCrew(t, url(), 0)) || t.Failed() {
			return
		}
	}
	t.Error("in none of five tries did it come to what is to be seen")
}

func (c *crew) until(what string, ok func() bool) {
	c.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("waited in vain: %s", what)
		}
	}
}

// excused counts what a busy machine makes processes ask the database for: leases
// that have ended too early, and a Redis that did not answer in time.
func (c *crew) excused() (n int64) {
	for _, cache := range c.caches {
		st := cache.Stats()
		n += st.Leases.Overdue + st.Leases.Expired + st.Discarded + st.Bypasses[querycache.ReasonLease]
		for _, d := range st.Shared.Databases {
			n += d.Tier.Lease.Errors + d.Tier.Get.Errors + d.Tier.Refused + d.Tier.FillsDropped
		}
	}
	return n
}

func (c *crew) read(db *sql.DB, query string) (int64, querycache.Source) {
	ctx, res := querycache.WithResult(c.Context())
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		c.Errorf("%s: %v", query, err)
		return 0, res.Source()
	}
	defer rows.Close()
	var id, version int64
	var v any
	for rows.Next() {
		if err := rows.Scan(&id, &v, &version); err != nil {
			c.Error(err)
		}
	}
	return version, res.Source()
}

const (
	crewQuery = "SELECT /* cache: ttl=1m tables=t */ * FROM t WHERE id = 1"
	crewText  = "SELECT * FROM t WHERE id = 1"
)

// Of all processes one asks the database, when nothing is known and each time
// after a write.
func TestOneLoadInTheFleet(t *testing.T) {
	c := newCrew(t, testserver.Redis(t), 4)
	// Longer than this machine is ever busy: what is lent is not taken over.
	c.srv.Delay(fakedriver.OpQuery, 500*time.Millisecond)
	for _, db := range c.dbs {
		c.read(db, crewQuery) // all know what it takes
	}
	before := c.excused() // when the processes joined
	const rounds = 4
	for round := range rounds {
		if _, err := c.dbs[round%4].ExecContext(t.Context(), "UPDATE t SET v = 'x' WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		for i, cache := range c.caches {
			c.until("all know of the write", func() bool {
				x, err := cache.Explain(t.Context(), c.dbs[i], crewQuery)
				return err == nil && x.Source != querycache.Local
			})
		}
		var wg sync.WaitGroup
		for _, db := range c.dbs {
			for range 25 {
				wg.Go(func() {
					if version, source := c.read(db, crewQuery); version != int64(2+round) {
						t.Errorf("round %d: version %d from %v", round, version, source)
					}
				})
			}
		}
		wg.Wait()
	}
	answered, excused := int64(0), c.excused()-before
	for _, cache := range c.caches {
		answered += cache.Stats().Leases.Answered
	}
	if n := int64(c.srv.Seen(crewText)); n < 1+rounds || n > 1+rounds+excused || answered == 0 {
		t.Errorf("%d queries after the start and %d invalidations; %d found another's answer, %d had an excuse", n, rounds, answered, excused)
	}
	t.Logf("%d had an excuse", excused)
}

// A process that holds the lease and says nothing more holds the others up until
// that has ended: one takes over, and if it hangs as well nobody waits for longer.
func TestLeaseHoldersHang(t *testing.T) { tried(t, leaseHoldersHang) }

func leaseHoldersHang(t *testing.T, c *crew) bool {
	c.more(3)
	const sleep = "SELECT /* cache: ttl=1m tables=t */ sleep(x) FROM t"
	event := c.srv.Event("x")
	var wg sync.WaitGroup
	defer wg.Wait()
	defer event.Release()
	query := func(db *sql.DB) {
		wg.Go(func() {
			rows, err := db.QueryContext(t.Context(), sleep)
			if err != nil {
				t.Error(err)
				return
			}
			rows.Close()
		})
	}
	var before [3]querycache.LeaseStats
	leases := func(i int) querycache.LeaseStats {
		st := c.caches[i].Stats().Leases
		st.Taken -= before[i].Taken
		st.Overdue -= before[i].Overdue
		st.Expired -= before[i].Expired
		return st
	}
	for i := range before {
		before[i] = leases(i)
	}
	query(c.dbs[0])
	<-event.Reached()
	query(c.dbs[1])
	query(c.dbs[2])
	c.until("all have asked the database", func() bool { return c.srv.Seen("SELECT sleep(x) FROM t") == 3 })
	// Once it has ended, the holder counts that its lease had by then.
	event.Release()
	wg.Wait()
	first, others := leases(0), querycache.LeaseStats{}
	for i := range c.caches[1:] {
		st := leases(1 + i)
		others.Taken, others.Overdue = others.Taken+st.Taken, others.Overdue+st.Overdue
	}
	t.Logf("the holder %+v, the others %+v", first, others)
	return first.Taken == 1 && first.Expired == 1 && others.Taken == 1 && others.Overdue == 1
}

// A Redis that goes away while one waits for another's answer holds nobody up.
func TestRedisLostWhileWaiting(t *testing.T) {
	var redis *testserver.RedisServer
	triedOn(t, func() string {
		redis = testserver.NewRedis(t)
		return "redis://" + redis.Addr()
	}, func(t *testing.T, c *crew) bool { return lostWhileWaiting(t, c, redis) })
}

func lostWhileWaiting(t *testing.T, c *crew, redis *testserver.RedisServer) bool {
	c.more(2)
	c.srv.Delay(fakedriver.OpQuery, 2*time.Second)
	c.read(c.dbs[1], crewQuery) // takes two seconds, as both know then
	c.read(c.dbs[0], crewQuery)
	if _, err := c.dbs[0].ExecContext(t.Context(), "UPDATE t SET v = 'x' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	c.until("the second knows of the write", func() bool {
		x, err := c.caches[1].Explain(t.Context(), c.dbs[1], crewQuery)
		return err == nil && x.Source == querycache.Database
	})
	seen, taken := c.srv.Seen(crewText), c.caches[0].Stats().Leases.Taken
	var wg sync.WaitGroup
	wg.Go(func() { c.read(c.dbs[0], crewQuery) })
	c.until("the first asks the database", func() bool { return c.srv.Seen(crewText) == seen+1 })
	start, asked := time.Now(), c.caches[1].Stats().Shared.Databases[0].Tier.Lease.Count
	wg.Go(func() { c.read(c.dbs[1], crewQuery) })
	c.until("the second waits", func() bool {
		return c.caches[1].Stats().Shared.Databases[0].Tier.Lease.Count > asked || c.srv.Seen(crewText) == seen+2
	})
	waits := c.caches[0].Stats().Leases.Taken > taken && c.srv.Seen(crewText) == seen+1
	redis.Kill()
	wg.Wait()
	if took := time.Since(start); took > 4500*time.Millisecond+c.machine.Margin(start) {
		t.Errorf("it took %v, want little more than its own query", took)
	}
	if n := c.srv.Seen(crewText); n != seen+2 {
		t.Errorf("%d queries, want one of each", n-seen)
	}
	return waits
}

// Without the shared tier, what others write is not known: old answers are shown
// for as long as their hint allows, and not after a write of this process.
func TestStaleWithoutRedis(t *testing.T) {
	redis := testserver.NewRedis(t)
	c := newCrew(t, "redis://"+redis.Addr(), 1)
	const bridged, short, strict = "SELECT /* cache: ttl=1m stale=1m tables=t */ * FROM t WHERE id = 1",
		"SELECT /* cache: ttl=1m stale=100ms tables=t */ * FROM t WHERE id = 2",
		"SELECT /* cache: ttl=1m tables=t */ * FROM t WHERE id = 3"
	db, cache := c.dbs[0], c.caches[0]
	for _, query := range []string{bridged, short, strict} {
		c.until("it is kept", func() bool { _, source := c.read(db, query); return source == querycache.Local })
	}
	redis.Kill()
	c.until("the lease is over", func() bool { return !cache.Stats().Shared.Databases[0].Live })
	time.Sleep(200 * time.Millisecond) // the short window is over, too
	for query, want := range map[string]querycache.Source{bridged: querycache.Stale, short: querycache.Database, strict: querycache.Database} {
		if version, source := c.read(db, query); source != want || version != 1 {
			t.Errorf("%s: version %d from %v, want %v", query, version, source, want)
		}
	}
	if cache.Stats().Stale != 1 {
		t.Errorf("%d stale answers counted", cache.Stats().Stale)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE t SET v = 'x' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	if version, source := c.read(db, bridged); source != querycache.Database || version != 2 {
		t.Errorf("after a write: version %d from %v", version, source)
	}
}

// What the database has refused to answer again is not shown beyond its lifetime,
// nor when Redis is lost after that.
func TestRefusedWithoutRedis(t *testing.T) {
	redis := testserver.NewRedis(t)
	c := newCrew(t, "redis://"+redis.Addr(), 1)
	read := func() (querycache.Source, error) {
		ctx, res := querycache.WithResult(t.Context())
		rows, err := c.dbs[0].QueryContext(ctx, "SELECT /* cache: ttl=100ms stale=1m tables=t */ * FROM t WHERE id = 1")
		if err != nil {
			return res.Source(), err
		}
		return res.Source(), rows.Close()
	}
	c.until("it is kept", func() bool { source, _ := read(); return source == querycache.Local || source == querycache.Stale })
	denied := &fakedriver.Error{Text: "permission denied"}
	c.srv.Fail(fakedriver.OpQuery, -1, denied)
	c.until("the refusal shows", func() bool { _, err := read(); return errors.Is(err, denied) })
	redis.Kill()
	c.until("the lease is over", func() bool { return !c.caches[0].Stats().Shared.Databases[0].Live })
	if source, err := read(); !errors.Is(err, denied) {
		t.Errorf("from %v, %v, want the refusal", source, err)
	}
}
