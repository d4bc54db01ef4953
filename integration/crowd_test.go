//go:build !race

package integration

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

// These tests measure: the race detector would make of a crowd on few
// processors something else. `make test` runs them without it.

// A crowd is many readers of one row, in processes that share a Redis.
type crowd struct {
	*testing.T
	bare    *sql.DB
	writer  *sql.DB // through a cache of this process
	members []*crowdProcess
}

type crowdProcess struct {
	enc *json.Encoder
	dec *json.Decoder
}

const (
	crowdProcesses = 8
	crowdReaders   = 500 // in each
	crowdPause     = 400 * time.Millisecond
)

// newCrowd starts processes that read one row by a query of 50 ms whose calls
// the database counts.
func newCrowd(t *testing.T, ttl string) *crowd {
	t.Helper()
	dsn, redis := testserver.Postgres(t), strings.TrimPrefix(testserver.Redis(t), "redis://")
	redis, _, _ = strings.Cut(redis, "/")
	c := &crowd{T: t, bare: openBare(t, dsn)}
	mustExec(t, c.bare, `CREATE TABLE hot (id int PRIMARY KEY, v bigint); INSERT INTO hot VALUES (1, 0); CREATE SEQUENCE calls;
CREATE FUNCTION slow(v bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('calls'), pg_sleep(0.05); RETURN v; END $$`)
	cache, writer, err := openCached(dsn, redis, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { writer.Close(); cache.Close() })
	c.writer = writer
	for end := time.Now().Add(20 * time.Second); !c.ready(cache); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the writer does not come to know its database")
		}
	}
	config := crowdConfig{
		DSN: dsn, Redis: redis, Namespace: t.Name(), Readers: crowdReaders, Pause: crowdPause,
		Query: "SELECT /* cache: ttl=" + ttl + " */ slow(v) FROM hot WHERE id = 1",
	}
	for range crowdProcesses {
		c.members = append(c.members, c.start(config))
	}
	for _, p := range c.members {
		c.report(p)
	}
	// To Redis, a new namespace is one of which it has lost what it knew: it bumps
	// everything once, after the deadline. Only then is it at rest.
	time.Sleep(deadline + 2*poll)
	c.watch(2*crowdPause, nil)
	return c
}

// ready reports whether the writer knows its database and its fleet: until then a
// write is one of everything.
func (c *crowd) ready(cache *querycache.Cache) bool {
	c.Helper()
	x, err := cache.Explain(c.Context(), c.writer, "UPDATE hot SET v = v + 1 WHERE id = 1")
	if err != nil {
		c.Fatal(err)
	}
	databases := cache.Stats().Shared.Databases
	return !x.WritesAll && len(x.Writes) > 0 && len(databases) == 1 && databases[0].Live
}

func (c *crowd) start(config crowdConfig) *crowdProcess {
	c.Helper()
	exe, err := os.Executable()
	if err != nil {
		c.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crowdVariable+"=1")
	cmd.Stderr = os.Stderr
	var in io.WriteCloser
	out, err := cmd.StdoutPipe()
	if err == nil {
		in, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { in.Close(); cmd.Wait() })
	p := &crowdProcess{json.NewEncoder(in), lines(out)}
	c.send(p, config)
	return p
}

func (c *crowd) send(p *crowdProcess, what any) {
	c.Helper()
	if err := p.enc.Encode(what); err != nil {
		c.Fatal(err)
	}
}

func (c *crowd) report(p *crowdProcess) crowdReport {
	c.Helper()
	var r crowdReport
	if err := p.dec.Decode(&r); err != nil {
		c.Fatal(err)
	}
	if r.Error != "" {
		c.Fatal(r.Error)
	}
	return r
}

// watch returns what all processes together have seen in a time, and how often
// the database was asked meanwhile.
func (c *crowd) watch(d time.Duration, meanwhile func()) (sum crowdReport, queries int64) {
	c.Helper()
	before := c.calls()
	for _, p := range c.members {
		c.send(p, watch{d})
	}
	if meanwhile != nil {
		meanwhile()
	}
	sum.Sources = make(map[string]int)
	for _, p := range c.members {
		r := c.report(p)
		for source, n := range r.Sources {
			sum.Sources[source] += n
		}
		sum.Hits, sum.Waits = append(sum.Hits, r.Hits...), append(sum.Waits, r.Waits...)
		sum.Last, sum.Fell, sum.Failures = max(sum.Last, r.Last), sum.Fell+r.Fell, sum.Failures+r.Failures
		sum.Leases.Taken += r.Leases.Taken
		sum.Leases.Expired += r.Leases.Expired
		sum.Leases.Answered += r.Leases.Answered
		sum.Leases.Overdue += r.Leases.Overdue
		sum.Refreshes.Started += r.Refreshes.Started
		sum.Refreshes.Adopted += r.Refreshes.Adopted
	}
	return sum, c.calls() - before
}

func (c *crowd) calls() (n int64) {
	c.Helper()
	if err := c.bare.QueryRow("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM calls").Scan(&n); err != nil {
		c.Fatal(err)
	}
	return n
}

// measured measures until nothing is to be said against it, three times at most:
// other things that the machine does are in the figures, too.
func measured(t *testing.T, measure func(t *testing.T) (complaints []string)) {
	t.Helper()
	var complaints []string
	for try := range 3 {
		t.Run(fmt.Sprint("try ", try+1), func(t *testing.T) {
			complaints = measure(t)
			t.Logf("complaints: %q", complaints)
		})
		if len(complaints) == 0 || t.Failed() {
			break
		}
	}
	for _, complaint := range complaints {
		t.Error(complaint)
	}
}

// Each write costs the database one query, however many readers wait for it: of
// all processes one loads, unless it takes longer than it may.
func TestCrowdInvalidated(t *testing.T) {
	measured(t, func(t *testing.T) (complaints []string) {
		c := newCrowd(t, "1m")
		d := observe(10 * time.Second)
		var writes int64
		sum, queries := c.watch(d, func() {
			for end := time.Now().Add(d - 1500*time.Millisecond); time.Now().Before(end); {
				time.Sleep(time.Second)
				mustExec(t, c.writer, "UPDATE hot SET v = v + 1 WHERE id = 1")
				writes++
			}
		})
		excused := sum.Leases.Expired + sum.Leases.Overdue + sum.Failures
		t.Logf("%d readers in %d processes: %d queries after %d writes; %v; leases %+v, Redis late %d times; p99 of hits %v, of others %v",
			crowdProcesses*crowdReaders, crowdProcesses, queries, writes, sum.Sources, sum.Leases, sum.Failures, quantile(sum.Hits, 0.99), quantile(sum.Waits, 0.99))
		if queries < writes || queries > writes+excused {
			complaints = append(complaints, fmt.Sprintf("%d queries after %d writes, %d more are excused: by leases that ran out, and by Redis", queries, writes, excused))
		}
		// Without any protection there would be thousands.
		if queries > 3*writes {
			complaints = append(complaints, fmt.Sprintf("%d queries after %d writes, whatever the excuse", queries, writes))
		}
		if sum.Last != writes {
			complaints = append(complaints, fmt.Sprintf("%d was the last version seen of %d", sum.Last, writes))
		}
		if sum.Fell > 0 {
			t.Errorf("%d reads showed an older version than before", sum.Fell)
		}
		return complaints
	})
}

// While lifetimes run out nobody waits for the database, and hits take as long as
// where nothing expires.
func TestCrowdExpires(t *testing.T) {
	d := observe(8 * time.Second)
	measured(t, func(t *testing.T) (complaints []string) {
		quiet, queries := newCrowd(t, "1h").watch(d, nil)
		if queries > 0 {
			complaints = append(complaints, fmt.Sprintf("%d queries where nothing expires", queries))
		}
		sum, queries := newCrowd(t, "3s").watch(d, nil)
		p99, quietP99 := quantile(sum.Hits, 0.99), quantile(quiet.Hits, 0.99)
		waited, most := 0, max(len(sum.Hits)/1000, 1)
		for _, took := range sum.Waits {
			if took > 40*time.Millisecond { // a query takes 50
				waited++
			}
		}
		t.Logf("%d reads as lifetimes of 3 s run out: %d queries in %v, %d reads waited for one; %v; refreshes %+v; p99 of hits %v, %v where nothing expires",
			len(sum.Hits)+len(sum.Waits), queries, d, waited, sum.Sources, sum.Refreshes, p99, quietP99)
		if waited > most {
			complaints = append(complaints, fmt.Sprintf("%d reads waited for the database, want at most one in a thousand", waited))
		}
		if p99 > 2*quietP99+time.Millisecond {
			complaints = append(complaints, fmt.Sprintf("p99 of hits %v, %v where nothing expires", p99, quietP99))
		}
		// 3 s less up to 15 % and a fifth: one per 2 s at least, one process each.
		if lifetimes := int64(d / (2 * time.Second)); queries < 1 || queries > 2*lifetimes {
			complaints = append(complaints, fmt.Sprintf("%d queries in %d lifetimes", queries, lifetimes))
		}
		return complaints
	})
}
