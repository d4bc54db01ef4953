package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/internal/testserver"
)

// keepQuery is a read that is kept on writes, and plainQuery the same answer for
// one who minds them.
func keepQuery(n int) string {
	return fmt.Sprintf("SELECT /* cache: ttl=1m on_write=keep */ n + %d FROM other", n)
}

func plainOf(keep string) string { return strings.Replace(keep, " on_write=keep", "", 1) }

// hears waits until f knows what was written to other, by an answer of its own.
func (p *pair) hears(f *fixture) {
	p.Helper()
	const query = "SELECT n, (SELECT count(*) FROM authors) FROM other"
	f.read(f.db, query)
	p.until("the write is heard of", func() bool {
		if !f.live() {
			return false // a busy machine; all is asked of the database then
		}
		want, _ := f.read(f.bare, query)
		got, _ := f.read(f.db, query)
		return got == want
	})
}

// writes writes through f, and waits until the fleet was told.
func (p *pair) writes(f *fixture, query string) {
	p.Helper()
	f.exec(f.db, query)
	p.told(f)
}

// expectFrom reads and compares value and source.
func (f *fixture) expectFrom(query, want string, source querycache.Source) {
	f.Helper()
	if got, res := f.steady(query); got != want || res.Source() != source {
		f.Errorf("%s: %q from %v (%s), want %q from %v", query, got, res.Source(), res.Reason(), want, source)
	}
}

// What is kept on writes outlives those of other processes, not one's own, even
// if another has put it into Redis; and nobody else gets it.
func TestKeepOnWrite(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	keep, plain := keepQuery(0), plainOf(keepQuery(0))
	p.second.warm(keep)
	p.stored(p.second, keep)
	p.writes(p.fixture, "UPDATE other SET n = 1")
	p.hears(p.second)
	p.second.expectFrom(keep, "int64:0 \n", querycache.Local)
	p.expectFrom(keep, "int64:1 \n", querycache.Database) // Redis has the old one
	p.expectFrom(keep, "int64:1 \n", querycache.Local)
	p.second.expectFrom(keep, "int64:0 \n", querycache.Local)
	if got, _ := p.second.steady(plain); got != "int64:1 \n" {
		t.Errorf("who minds writes gets %q, want 1", got)
	}

	p.second.exec(p.second.db, "UPDATE other SET n = 2")
	p.second.expectFrom(keep, "int64:2 \n", querycache.Database)
	tx, err := p.second.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	p.second.exec(tx, "UPDATE other SET n = 3")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	p.second.expectFrom(keep, "int64:3 \n", querycache.Database)
}

// What another process has read, before a third has written, is good for one who
// keeps it on writes, and then for nobody else in that process.
func TestKeptInRedis(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	third := p.join()
	for i, strict := range []func(query, want string){
		func(query, want string) {
			if got, _ := third.steady(plainOf(query)); got != want {
				t.Errorf("who minds writes gets %q, want %q", got, want)
			}
		},
		func(query, want string) {
			ctx, err := querycache.WithNotBefore(context.Background(), p.cache.Token())
			if err != nil {
				t.Fatal(err)
			}
			p.until("the third knows the write", func() bool { return third.knows(p.fixture) })
			if got, err := dump(ctx, third.db, query); err != nil || got != want {
				t.Errorf("who asks for the write gets %q, %v, want %q", got, err, want)
			}
		},
	} {
		for try := 0; ; try++ {
			n := 10*i + try
			query, old, want := keepQuery(n), fmt.Sprintf("int64:%d \n", n), fmt.Sprintf("int64:%d \n", n+5)
			p.writes(p.fixture, "UPDATE other SET n = 0")
			p.hears(p.second)
			p.hears(third)
			p.second.warm(query)
			p.stored(p.second, query)
			p.writes(p.fixture, "UPDATE other SET n = 5")
			p.hears(third)
			// Redis may miss its time, and then the database is asked.
			if _, res := third.steady(query); res.Source() != querycache.Remote && try < 9 {
				continue
			} else if res.Source() != querycache.Remote {
				t.Fatalf("in none of ten tries from Redis, but from %v (%s)", res.Source(), res.Reason())
			}
			third.expectFrom(query, old, querycache.Local)
			strict(query, want)
			third.expectFrom(query, want, querycache.Local)
			break
		}
	}
}

// What anybody invalidates, and a change of the schema, ends what is kept.
func TestKeptIsInvalidated(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	const tagged = "SELECT n FROM other /* cache: ttl=1m on_write=keep tags=mine */"
	n := 0
	for name, invalidate := range map[string]func() error{
		"Invalidate":     func() error { return p.cache.Invalidate(t.Context(), "other") },
		"InvalidateTags": func() error { return p.cache.InvalidateTags(t.Context(), "mine") },
		"InvalidateAll":  func() error { return p.cache.InvalidateAll(t.Context()) },
		"DDL": func() error {
			_, err := p.db.Exec("CREATE TABLE more (n)")
			return err
		},
	} {
		for _, f := range []*fixture{p.fixture, p.second} {
			p.until("the answer is kept", func() bool {
				_, res := f.read(f.db, tagged)
				return res.Source() == querycache.Local
			})
		}
		n++
		p.exec(p.bare, "UPDATE other SET n = ?", n) // past the caches
		p.second.expectFrom(tagged, fmt.Sprintf("int64:%d \n", n-1), querycache.Local)
		if err := invalidate(); err != nil {
			t.Fatal(err)
		}
		p.fresh(tagged)
		start := time.Now()
		p.until(name+" is heard of", func() bool {
			got, _ := p.second.read(p.second.db, tagged)
			return got == fmt.Sprintf("int64:%d \n", n)
		})
		t.Logf("%s: after %v", name, time.Since(start))
	}
}

// Of a table that others write all the time, an answer is kept at all: also one
// that was written while it was read.
func TestKeptWhileWritten(t *testing.T) { tried(t, keptWhileWritten) }

func keptWhileWritten(t *testing.T, c *crew) bool {
	c.more(2)
	const slow = "SELECT /* cache: ttl=1m on_write=keep tables=t */ sleep(x) FROM t"
	read := func() querycache.Source {
		ctx, res := querycache.WithResult(t.Context())
		rows, err := c.dbs[1].QueryContext(ctx, slow)
		if err != nil {
			t.Error(err)
			return querycache.Unknown
		}
		rows.Close()
		return res.Source()
	}
	c.until("it is kept", func() bool { _, source := c.read(c.dbs[1], crewQuery); return source == querycache.Local })
	event, done := c.srv.Event("x"), make(chan querycache.Source)
	go func() { done <- read() }()
	<-event.Reached()
	for range 2 {
		if _, err := c.dbs[0].ExecContext(t.Context(), "UPDATE t SET v = 'x' WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		c.until("the write is heard of", func() bool {
			x, err := c.caches[1].Explain(t.Context(), c.dbs[1], crewQuery)
			return err == nil && x.Source == querycache.Database
		})
	}
	event.Release()
	if source := <-done; source != querycache.Database {
		t.Errorf("the first from %v", source)
	}
	return read() == querycache.Local
}

// Who minds the writes of other processes does not join one who does not: that one
// waits for what another process reads, which may lack them.
func TestNobodyJoinsOneWhoKeeps(t *testing.T) {
	const (
		keeps = "SELECT /* cache: ttl=1m on_write=keep tables=t */ * FROM t WHERE id = ?"
		minds = "SELECT /* cache: ttl=1m tables=t */ * FROM t WHERE id = ?"
	)
	tried(t, func(_ *testing.T, c *crew) bool { return newKeeping(c).joins(keeps, minds) })
}

// keeping are a process that writes, one that is slow to say what it has read, and
// one that may have that.
type keeping struct {
	*crew
	slow, third *sql.DB
	say         func() // how slow it is
}

func newKeeping(c *crew) *keeping {
	c.more(3)
	k := &keeping{crew: c}
	through := func(i int, after func()) *sql.DB {
		db := k.caches[i].OpenDB(slowReader{k.srv.Connector(fakedriver.Full), func() time.Duration { after(); return 0 }})
		c.Cleanup(func() { db.Close() })
		return db
	}
	k.slow = through(1, func() { k.say() })
	k.third = through(2, func() {})
	return k
}

// see reads the version of a row.
func (k *keeping) see(db *sql.DB, query string, id int) reading {
	ctx, res := querycache.WithResult(k.Context())
	var got reading
	var v any
	got.err = db.QueryRowContext(ctx, query, id).Scan(new(int64), &v, &got.version)
	got.source = res.Source()
	return got
}

// joins reports whether one who keeps has waited for what another process has read
// before a write, and fails if one who minds the write was given that.
func (k *keeping) joins(keeps, minds string) bool {
	k.Helper()
	// The query takes long, as all know by now: the lease is worth it, and lasts.
	k.say = func() { time.Sleep(500 * time.Millisecond) }
	k.see(k.slow, keeps, 2)
	k.until("the third process knows what it takes", func() bool {
		return k.see(k.third, keeps, 2).source == querycache.Remote
	})
	k.until("the third process keeps an answer", func() bool {
		_, source := k.read(k.dbs[2], crewQuery)
		return source == querycache.Local
	})

	reads, goOn := make(chan struct{}), make(chan struct{})
	k.say = func() { close(reads); <-goOn }
	slow := async(func() reading { return k.see(k.slow, keeps, 1) })
	<-reads
	asked := func() int64 { return k.caches[2].Stats().Shared.Databases[0].Tier.Lease.Count }
	before := asked()
	keeper := async(func() reading { return k.see(k.third, keeps, 1) })
	// Who has waited for too long loads by itself.
	more := func(n int64) {
		k.until("the third process asks for the lease", func() bool { return asked() >= before+n || len(keeper) > 0 })
		before = asked()
	}
	more(1)
	if _, err := k.dbs[0].ExecContext(k.Context(), "UPDATE t SET v = 'x' WHERE id = 1"); err != nil {
		k.Fatal(err)
	}
	k.until("the third process hears of the write", func() bool {
		x, err := k.caches[2].Explain(k.Context(), k.dbs[2], crewQuery)
		return err == nil && x.Source == querycache.Database
	})
	more(2) // and has begun anew since
	minding := async(func() reading { return k.see(k.third, minds, 1) })
	var got reading
	select {
	case got = <-minding:
		close(goOn)
	case <-time.After(time.Second): // it waits, perhaps for the wrong one
		close(goOn)
		got = <-minding
	}
	if got.err != nil || got.version != 2 {
		k.Errorf("one who minds the write is given version %d from %v, %v", got.version, got.source, got.err)
	}
	first, kept := <-slow, <-keeper
	if first.err != nil || kept.err != nil {
		k.Error(first.err, kept.err)
	}
	return first.version == 1 && kept.version == 1 && kept.source == querycache.Remote
}

// async does something meanwhile.
func async[T any](do func() T) <-chan T {
	done := make(chan T, 1)
	go func() { done <- do() }()
	return done
}

// A rule keeps as the hint does; alone, a process has only writes of its own.
func TestKeepByRule(t *testing.T) {
	rule := func(c *querycache.Config) {
		c.Rules = []querycache.Rule{{Tables: []string{"other"}, TTL: time.Minute, KeepOnWrite: true}}
	}
	p := newPair(t, testserver.Redis(t), rule)
	p.second.warm(other)
	p.writes(p.fixture, "UPDATE other SET n = 1")
	p.hears(p.second)
	p.second.expectFrom(other, "int64:0 \n", querycache.Local)
	if x := p.second.explain(other); x.Source != querycache.Local {
		t.Errorf("explained as from %v", x.Source)
	}
	p.fresh(other)

	f := newFixture(t, rule)
	f.warm(other)
	f.exec(f.db, "UPDATE other SET n = 1")
	f.fresh(other)
	f.warm(keepQuery(0))
	f.exec(f.bare, "UPDATE other SET n = 2")
	f.exec(f.db, "CREATE TABLE more (n)")
	f.fresh(keepQuery(0))
}
