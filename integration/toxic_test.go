package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

// A toxic is what a way between program and server can have.
type toxic struct {
	name string
	json []string // as in the documentation of Toxiproxy
	// breaks: connections end, or nothing comes through, so that a query that
	// needs one may fail; dead: none gets an answer.
	breaks, dead bool
}

var toxics = []toxic{
	{name: "latency, 10 ms", json: []string{
		`{"type":"latency","stream":"upstream","attributes":{"latency":5}}`,
		`{"type":"latency","stream":"downstream","attributes":{"latency":5}}`}},
	{name: "latency, 100 ms", json: []string{
		`{"type":"latency","stream":"upstream","attributes":{"latency":50}}`,
		`{"type":"latency","stream":"downstream","attributes":{"latency":50,"jitter":20}}`}},
	{name: "bandwidth, 50 KB/s", json: []string{
		`{"type":"bandwidth","stream":"upstream","attributes":{"rate":50}}`,
		`{"type":"bandwidth","stream":"downstream","attributes":{"rate":50}}`}},
	{name: "reset", breaks: true, dead: true, json: []string{
		`{"type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`}},
	{name: "black hole", breaks: true, dead: true, json: []string{
		`{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`,
		`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`}},
	{name: "half-open, nothing comes back", breaks: true, dead: true, json: []string{
		`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`}},
	{name: "half-open, nothing gets there", breaks: true, dead: true, json: []string{
		`{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`}},
	{name: "torn after 4 KB", breaks: true, json: []string{
		`{"type":"limit_data","stream":"downstream","attributes":{"bytes":4000}}`}},
}

// newToxic returns a proxy of Toxiproxy in front of a server, and a function
// that puts a toxic there; an empty one takes it away.
func newToxic(t *testing.T, target string) (addr string, put func(toxic)) {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", target)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p.Listen, func(x toxic) {
		t.Helper()
		p.Toxics.ResetToxics(context.Background())
		for _, json := range x.json {
			if _, err := p.Toxics.AddToxicJson(strings.NewReader(json)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// through returns a data source name by which a server is reached at addr.
func through(t *testing.T, dsn, addr string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = addr
	return u.String()
}

func hostOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// What a query may take, and what the cache may add to that: operations in Redis
// that are given up after their time, until it is known to be down: to ask what
// is new, for the answer, and for the lease, and to tell of a write.
const (
	patience = time.Second
	added    = 4*timeout + slack
)

// toxicSchema has a table that is written all the time, and one that is not.
const toxicSchema = `CREATE TABLE t (v int); INSERT INTO t VALUES (0); CREATE TABLE u (v int); INSERT INTO u VALUES (7);
CREATE TABLE w (v int); INSERT INTO w VALUES (0)`

// A trial is a while with a toxic, in which b writes and a reads.
type trial struct {
	*testing.T
	*pair
	written []time.Time // when the write of version i+1 had returned
}

// read is one through a, with what it took, less what the machine may have held it
// up. One that came too late for no other reason is read again.
func (tr *trial) read(db *sql.DB, query string) (v int, res *querycache.Result, took time.Duration, err error) {
	for range 5 {
		var ctx context.Context
		ctx, res = querycache.WithResult(context.Background())
		start := time.Now()
		err = tr.patiently(ctx, func(ctx context.Context) error { return db.QueryRowContext(ctx, query).Scan(&v) })
		if took = tr.took(start); !tr.heldUp(start, err) {
			break
		}
	}
	return v, res, took, err
}

// patiently does something that may take no longer than one has patience.
func (*trial) patiently(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return do(ctx)
}

// took is the time since, less what the machine may have held it up.
func (tr *trial) took(start time.Time) time.Duration {
	return time.Since(start) - tr.machine.Margin(start)
}

// heldUp reports whether the machine may be why patience was not enough.
func (tr *trial) heldUp(start time.Time, err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && tr.machine.Margin(start) > patience/2
}

func (tr *trial) write(db *sql.DB) {
	tr.T.Helper()
	start := time.Now()
	err := tr.patiently(context.Background(), func(ctx context.Context) error {
		_, err := db.ExecContext(ctx, "UPDATE t SET v = v + 1")
		return err
	})
	if tr.heldUp(start, err) {
		return // done or not: at most there is one version more than are noted
	}
	if err != nil {
		tr.T.Errorf("a write of one whose ways are good: %v", err)
	}
	if took := tr.took(start); took > patience+added {
		tr.T.Errorf("a write takes %v", took)
	}
	tr.written = append(tr.written, time.Now())
}

// settle waits until a new fleet has bumped everything, which it does once, the
// deadline after its beginning: that is not to come in the middle.
func settle() { time.Sleep(deadline + 2*poll) }

// fresh fails if a read that began at start shows v although a later version
// had been there for longer than most.
func (tr *trial) fresh(v int, start time.Time, most time.Duration) {
	tr.T.Helper()
	if v < len(tr.written) {
		if old, margin := start.Sub(tr.written[v]), tr.margin(tr.written[v]); old > most+margin {
			tr.T.Errorf("version %d is shown %v after the next one, bound %v and %v for a busy machine", v, old, most, margin)
		}
	}
}

// normal fails unless everything is as it was before the toxic.
func (tr *trial) normal() {
	tr.T.Helper()
	for _, n := range []*node{tr.a, tr.b} {
		tr.until("a connection", func() bool { return n.db.Ping() == nil })
		tr.until("reads from memory", func() bool {
			_, res, _, err := tr.read(n.db, "SELECT v FROM u")
			return err == nil && res.Source() == querycache.Local && n.live() // who rests is woken by a read
		})
	}
	tr.until("a query succeeds", func() bool {
		_, _, _, err := tr.read(tr.a.db, "SELECT /* cache: off */ v FROM u")
		return err == nil
	})
	for from, to := range map[*node]*node{tr.a: tr.b, tr.b: tr.a} {
		var want string
		if err := from.db.QueryRow("UPDATE w SET v = v + 1 RETURNING v").Scan(&want); err != nil {
			tr.T.Fatalf("after it: %v", err)
		}
		to.sees("SELECT v FROM w", want, longPoll)
	}
}

// TestToxicRedis: whatever the way to Redis has, reads and writes go on, and what
// is shown is not older than is promised to one that is cut off.
func TestToxicRedis(t *testing.T) {
	server := testserver.NewRedis(t)
	for _, x := range toxics {
		t.Run(x.name, func(t *testing.T) {
			addr, put := newToxic(t, server.Addr())
			p := newPair(t, dial(t, server.Addr()), toxicSchema, nil)
			p.a = p.node(dial(t, addr), p.dsn, nil)
			tr := &trial{T: t, pair: p}
			p.a.warm("SELECT v FROM t")
			p.a.warm("SELECT v FROM u")
			put(x)
			var longest time.Duration
			for from := time.Now(); time.Since(from) < observe(1500*time.Millisecond); time.Sleep(5 * time.Millisecond) {
				tr.write(p.b.db)
				for _, query := range []string{"SELECT v FROM t", "SELECT v FROM u", "SELECT /* cache: off */ v FROM t"} {
					start := time.Now()
					v, res, took, err := tr.read(p.a.db, query)
					if err != nil {
						t.Errorf("%s: %v, although only Redis is bad", query, err)
						continue
					}
					if longest = max(longest, took); took > added {
						t.Errorf("%s: %v from %v, bound %v", query, took, res.Source(), added)
					}
					if query == "SELECT v FROM t" {
						tr.fresh(v, start, lease+timeout)
					}
				}
				start := time.Now()
				if _, err := p.a.db.Exec("UPDATE w SET v = v + 1"); err != nil {
					t.Errorf("a write: %v, although only Redis is bad", err)
				}
				if took := tr.took(start); took > added {
					t.Errorf("a write took %v, bound %v", took, added)
				}
			}
			if x.dead && p.a.live() {
				t.Error("answers are still used: the test shows nothing")
			}
			put(toxic{})
			tr.normal()
			t.Logf("%d writes; the longest read took %v", len(tr.written), longest)
		})
	}
}

// TestToxicPostgres: whatever the way to PostgreSQL has, answers from memory
// are shown at their pace and are as new as ever; and what needs the database
// fails only if it does so without the cache too.
func TestToxicPostgres(t *testing.T) {
	client := redisClient(t, testserver.Redis(t))
	p := newPair(t, client, toxicSchema, nil)
	addr, put := newToxic(t, hostOf(t, p.dsn))
	bare := openBare(t, through(t, p.dsn, addr))
	settle()
	for _, x := range toxics {
		t.Run(x.name, func(t *testing.T) {
			p.T = t
			p.b.exec("UPDATE t SET v = 0")
			p.a = p.node(client, through(t, p.dsn, addr), nil)
			tr := &trial{T: t, pair: p}
			p.a.warm("SELECT v FROM t")
			p.a.warm("SELECT v FROM u")
			put(x)
			var failed, bareFailed, hits int
			for from := time.Now(); time.Since(from) < observe(1500*time.Millisecond); time.Sleep(5 * time.Millisecond) {
				tr.write(p.b.db)
				_, res, took, err := tr.read(p.a.db, "SELECT v FROM u")
				if err != nil && res.Source() != querycache.Unknown {
					t.Errorf("%v from %v", err, res.Source())
				}
				if res.Source() == querycache.Local {
					hits++
					if took > slack {
						t.Errorf("an answer from memory took %v", took)
					}
				} else if p.a.live() && err != nil {
					t.Errorf("an answer that is in memory is not used: %v", err)
				}
				var bareTook time.Duration
				for range 2 { // as many as need the database below
					var err error
					if _, _, bareTook, err = tr.read(bare, "SELECT v FROM t"); err != nil {
						bareFailed++
					}
				}
				for _, query := range []string{"SELECT v FROM t", "SELECT /* cache: off */ v FROM t"} {
					start := time.Now()
					v, res, took, err := tr.read(p.a.db, query)
					if took > patience+added {
						t.Errorf("%s took %v with a context of %v; without the cache %v", query, took, patience, bareTook)
					}
					if err != nil {
						failed++
						continue
					}
					if res.Source() != querycache.Database {
						tr.fresh(v, start, longPoll+tr.late())
					}
				}
			}
			put(toxic{})
			// A connection that is torn has brought other queries to the one than to
			// the other, so they do not fail at the same time.
			if failed > 0 && bareFailed == 0 || failed > 3*bareFailed+3 {
				t.Errorf("%d queries fail through the cache, %d without it", failed, bareFailed)
			}
			if !x.breaks && failed+bareFailed > 0 {
				t.Errorf("it only slows, and %d queries failed, %d without the cache", failed, bareFailed)
			}
			if hits == 0 {
				t.Error("nothing was answered from memory: the test shows nothing")
			}
			tr.normal()
			t.Logf("%d writes, %d hits; failed: %d, without the cache %d", len(tr.written), hits, failed, bareFailed)
		})
	}
}

// TestToxicsWork: each toxic is noticed by a bare driver, so that the tests
// above show something.
func TestToxicsWork(t *testing.T) {
	dsn := testserver.Postgres(t)
	addr, put := newToxic(t, hostOf(t, dsn))
	db := openBare(t, through(t, dsn, addr))
	five := func() (took time.Duration, err error) {
		start := time.Now()
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			var text string
			err = errors.Join(err, db.QueryRowContext(ctx, "SELECT repeat('x', 5000)").Scan(&text))
			cancel()
		}
		return time.Since(start), err
	}
	for _, x := range toxics {
		put(x)
		took, err := five()
		for try := 1; err != nil && !x.breaks && try < 5; try++ { // the machine may be what slows so much
			took, err = five()
		}
		put(toxic{})
		if (err != nil) != x.breaks {
			t.Errorf("%s: %v", x.name, err)
		}
		if err == nil && took < 5*10*time.Millisecond {
			t.Errorf("%s: 5 queries in %v", x.name, took)
		}
	}
	if _, err := db.Exec("SELECT 1"); err != nil {
		t.Error(fmt.Errorf("afterwards: %w", err))
	}
}
