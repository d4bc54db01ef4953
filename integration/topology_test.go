package integration

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/testserver"
)

// traffic writes through the first of a pair and reads through the second,
// until stop is called, which returns how stale a read was at most.
func (p *pair) traffic() (stop func() (a checker.Answer, writes int)) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	var mu sync.Mutex
	var returned []time.Time // by version
	var worst time.Duration
	reads, cached := 0, 0
	work.Go(func() {
		for ctx.Err() == nil {
			var v int
			if err := p.a.db.QueryRow("UPDATE t SET v = v + 1 RETURNING v").Scan(&v); err != nil {
				p.Errorf("write: %v", err)
				return
			}
			mu.Lock()
			returned = append(returned, time.Now())
			mu.Unlock()
			if err := p.a.db.QueryRow("SELECT v FROM t").Scan(&v); err != nil || v != len(returned) {
				p.Errorf("the writer reads version %d of %d, %v", v, len(returned), err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	work.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			ctx, res := querycache.WithResult(context.Background())
			var v int
			if err := p.b.db.QueryRowContext(ctx, "SELECT v FROM t").Scan(&v); err != nil {
				p.Errorf("read: %v", err)
				return
			}
			mu.Lock()
			reads++
			if res.Source() == querycache.Local {
				cached++
			}
			if v < len(returned) { // returned[v] is when the first that it misses was
				worst = max(worst, began.Sub(returned[v]))
			}
			mu.Unlock()
			time.Sleep(time.Millisecond)
		}
	})
	return func() (checker.Answer, int) {
		cancel()
		work.Wait()
		return checker.Answer{Reads: reads, Cached: cached, Max: worst}, len(returned)
	}
}

const counter = "CREATE TABLE t (v int); INSERT INTO t VALUES (0)"

// observed judges traffic that has been going on during do.
func (p *pair) observed(name string, most time.Duration, do func()) {
	p.Helper()
	start := time.Now()
	stop := p.traffic()
	do()
	p.until("both use answers", func() bool { return p.a.live() && p.b.live() })
	time.Sleep(2 * poll)
	a, writes := stop()
	margin := p.margin(start)
	if a.Max > most+margin || a.Cached == 0 {
		p.Errorf("%s: stale for %v, bound %v and %v for a busy machine; %d answers from memory", name, a.Max, most, margin, a.Cached)
	}
	results.add(result{name: name, bound: most, margin: margin, Answer: a, writes: writes})
	p.b.warm("SELECT v FROM t")
	p.a.exec("UPDATE t SET v = -1")
	p.b.sees("SELECT v FROM t", "-1", longPoll)
}

// The slot of the control key moves to another server, which is another epoch.
func TestClusterMigration(t *testing.T) {
	t.Parallel()
	servers := testserver.NewCluster(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.Addrs()})
	t.Cleanup(func() { client.Close() })
	p := newPair(t, client, counter, nil)
	slot := -1
	for _, s := range servers.Nodes() {
		c := redisClient(t, "redis://"+s.Addr())
		for _, key := range c.Keys(t.Context(), "{qc:*:z").Val() {
			slot = int(c.ClusterKeySlot(t.Context(), key).Val())
		}
	}
	if slot < 0 {
		t.Fatal("there is no control key")
	}
	p.observed("the control slot migrates", poll+lease, func() {
		to := servers.Nodes()[0]
		if servers.Owner(slot) == to {
			to = servers.Nodes()[1]
		}
		m := servers.Migrate(slot, to)
		time.Sleep(2 * poll)
		m.Move()
		time.Sleep(2 * poll)
		m.Finish()
		time.Sleep(lease)
	})
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	set := testserver.NewSentinel(t)
	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: testserver.MasterName, SentinelAddrs: set.Addrs()})
	t.Cleanup(func() { client.Close() })
	p := newPair(t, client, counter, nil)
	p.observed("Sentinel replaces a primary", poll+lease, func() {
		time.Sleep(lease)
		old := set.Primary()
		old.Kill()
		p.until("another one is primary", func() bool { return set.Primary() != old })
	})
}
