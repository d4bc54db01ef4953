package querycache_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
	"github.com/querycache/querycache/invalidation"
)

// What one process has read answers the other, with its types and columns; what
// one writes the other sees, and only that is gone.
func TestFleet(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	p.warm("SELECT name FROM authors ORDER BY id")
	p.handed(books)
	if got := p.second.source(books); got != querycache.Local {
		t.Errorf("the second time from %v, want local", got)
	}
	p.second.warm("SELECT name FROM authors ORDER BY id")

	p.exec(p.db, "UPDATE books SET price = price + 1")
	written := time.Now()
	p.until("the other process sees the write", func() bool {
		want, _ := p.read(p.bare, books)
		got, _ := p.second.read(p.second.db, books)
		return got == want
	})
	t.Logf("seen after %v", time.Since(written))
	if got := p.second.source("SELECT name FROM authors ORDER BY id"); got != querycache.Local {
		t.Errorf("a table that was not written comes from %v", got)
	}
	// And the other way round, in a transaction.
	p.warm(books)
	tx, err := p.second.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	p.exec(tx, "UPDATE books SET price = price + 1")
	if got := p.source(books); got != querycache.Local {
		t.Errorf("before COMMIT from %v", got)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	p.until("the COMMIT is seen", func() bool {
		want, _ := p.read(p.bare, books)
		got, _ := p.read(p.db, books)
		return got == want
	})
}

// With the token of the one who wrote, the next read elsewhere shows the write.
func TestToken(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	for range 30 {
		p.second.warm(other)
		p.exec(p.db, "UPDATE other SET n = n + 1")
		ctx, err := querycache.WithNotBefore(t.Context(), p.cache.Token())
		if err != nil {
			t.Fatal(err)
		}
		want, _ := p.read(p.bare, other)
		got, err := dump(ctx, p.second.db, other)
		if err != nil || got != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
	if _, err := querycache.WithNotBefore(t.Context(), "x"); err == nil {
		t.Error("a malformed token is no error")
	}
}

// FLUSHALL, and Redis killed and started again: nothing stale, nothing fails, and
// caching comes back.
func TestRedisLost(t *testing.T) {
	server := testserver.NewRedis(t, "appendonly yes")
	p := newPair(t, "redis://"+server.Addr(), nil)
	p.warm(other)
	p.second.warm(other)
	if err := p.redis.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.exec(p.db, "UPDATE other SET n = 100")
	if got := p.source(other); got == querycache.Local {
		t.Error("the writer reads the old row")
	}
	p.until("the other one sees a write after FLUSHALL", func() bool {
		got, _ := p.second.read(p.second.db, other)
		return got == "int64:100 \n"
	})

	p.warm(other)
	p.second.warm(other)
	server.Kill()
	start := time.Now()
	p.exec(p.db, "UPDATE other SET n = 200")
	if took := time.Since(start); took > time.Second+p.machine.Margin(start) {
		t.Errorf("a write took %v while Redis is down", took)
	}
	p.until("the other one uses no answers", func() bool {
		got, res := p.second.read(p.second.db, other)
		return got == "int64:200 \n" && res.Reason() == querycache.ReasonLease
	})
	if since := time.Since(start); since > 2*time.Second+p.machine.Margin(start) {
		t.Errorf("the other one showed old rows for %v, want the lease at most", since)
	}
	server.Start()
	p.until("caching comes back", func() bool {
		_, a := p.read(p.db, other)
		_, b := p.second.read(p.second.db, other)
		return a.Source() == querycache.Local && b.Source() == querycache.Local
	})
	p.exec(p.db, "UPDATE other SET n = 300")
	p.until("writes are seen again", func() bool {
		got, _ := p.second.read(p.second.db, other)
		return got == "int64:300 \n"
	})
}

// Under FailUnannounced a write that nobody can be told of is not sent.
func TestFailUnannounced(t *testing.T) {
	server := testserver.NewRedis(t)
	p := newPair(t, "redis://"+server.Addr(), func(c *querycache.Config) { c.FailUnannounced = true })
	p.until("a write is announced", func() bool {
		_, err := p.db.Exec("UPDATE other SET n = 1")
		return err == nil
	})
	server.Stop()
	p.exec(p.db, "UPDATE other SET n = 2") // announced not long ago
	if _, err := p.db.Exec("UPDATE books SET price = 1"); !errors.Is(err, invalidation.ErrUnannounced) {
		t.Errorf("a table that was never written: %v", err)
	}
	tx, err := p.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	p.exec(tx, "UPDATE books SET price = 1")
	if err := tx.Commit(); !errors.Is(err, invalidation.ErrUnannounced) {
		t.Errorf("COMMIT: %v", err)
	}
	var changed int
	if err := p.bare.QueryRow("SELECT count(*) FROM books WHERE price = 1").Scan(&changed); err != nil || changed > 0 {
		t.Errorf("%d rows were changed, %v", changed, err)
	}
	server.Cont()
	p.until("writes go on", func() bool {
		_, err := p.db.Exec("UPDATE books SET price = 1")
		return err == nil
	})
}

// With keys, Redis holds nothing readable, and what was put there under another
// name, or by somebody without a key, is a miss.
func TestSealedEntries(t *testing.T) {
	key := make([]byte, 32)
	rand.Read(key)
	p := newPair(t, testserver.Redis(t), func(c *querycache.Config) { c.SealKeys = [][]byte{key} })
	p.handed(books)
	if n := p.second.cache.Stats().Shared.Unreadable; n != 0 {
		t.Errorf("%d entries were not readable", n)
	}
	cfg := querycache.Config{SealKeys: [][]byte{key[:5]}}
	if _, err := querycache.New(cfg); err == nil {
		t.Error("a short key is no error")
	}
}

// Many reads and writes through both; in the end everything agrees.
func TestFleetAgrees(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	done := make(chan error, 2)
	for _, f := range []*fixture{p.fixture, p.second} {
		go func() {
			for i := range 300 {
				if i%3 == 0 {
					if _, err := f.db.Exec("UPDATE other SET n = n + 1"); err != nil {
						done <- err
						return
					}
				}
				if _, err := dump(context.Background(), f.db, other); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	p.agree()
	p.source(other)
	p.second.source(other)
}

// A schema that one process changes is another one for all: what a view reads,
// what a write reaches.
func TestFleetSchema(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	const shelf = "SELECT title FROM shelf LIMIT 1"
	p.second.warm(shelf)
	p.exec(p.db, "DROP VIEW shelf")
	p.exec(p.db, "CREATE VIEW shelf AS SELECT n AS title FROM other")
	p.until("the other process uses the new view", func() bool {
		got, res := p.second.read(p.second.db, shelf)
		return got == "int64:0 \n" && res.Source() == querycache.Local
	})
	p.exec(p.db, "UPDATE other SET n = 71")
	p.until("a write to what the new view reads is seen", func() bool {
		got, _ := p.second.read(p.second.db, shelf)
		return got == "int64:71 \n"
	})
	p.second.warm("SELECT count(*) FROM audit")
	p.exec(p.db, "CREATE TRIGGER late AFTER UPDATE ON other BEGIN INSERT INTO audit VALUES (1); END")
	p.agree()
	p.second.exec(p.second.db, "UPDATE other SET n = 72")
	p.second.right("SELECT count(*) FROM audit")
}

// A transaction that began before another process changed the schema, and commits
// after: what it has reached may be more than what was known.
func TestSchemaChangedWhileInTransaction(t *testing.T) {
	server := testserver.NewRedis(t)
	p := newPair(t, "redis://"+server.Addr(), nil)
	const audit = "SELECT count(*) FROM audit"
	p.second.warm(audit)
	server.Stop() // so that the other process does not hear of it for a while
	p.exec(p.db, "CREATE TRIGGER late AFTER UPDATE ON other BEGIN INSERT INTO audit VALUES (1); END")
	p.exec(p.db, "CREATE VIEW later AS SELECT * FROM audit")
	tx, err := p.second.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	p.exec(tx, "UPDATE other SET n = n + 1")
	server.Cont()
	// Who knows the view knows the trigger, which is older. That other answers are
	// cached says nothing: the lease of before may still hold.
	p.until("the other process knows the new schema", func() bool {
		_, res := p.second.read(p.second.db, "SELECT count(*) FROM later")
		return res.Source() == querycache.Local
	})
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	p.second.right(audit)
}

// Tags come from anywhere, and must not break what they are sent with.
func TestStrangeTags(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	for _, tag := range []string{"a\x00b", "\x00", "*", "!", "", "t:public.other", "{}:,\n\"", "\xff"} {
		ctx := querycache.WithTags(t.Context(), tag)
		for range 2 {
			if _, err := dump(ctx, p.db, other); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.cache.InvalidateTags(t.Context(), tag); err != nil {
			t.Fatal(err)
		}
	}
	p.exec(p.db, "UPDATE other SET n = 12")
	p.until("writes are still told of", func() bool {
		got, _ := p.second.read(p.second.db, other)
		return got == "int64:12 \n"
	})
	if sync := p.cache.Stats().Shared.Databases[0].Tier.Sync; sync.Errors > sync.Timeouts {
		t.Errorf("%+v", sync)
	}
}

// Two connectors of one type may have options that change what they return.
func TestConnectorsShareNoRowThroughRedis(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	p.exec(p.db, "CREATE TABLE moments (at DATETIME); INSERT INTO moments VALUES (1700000000)")
	dsn := p.dsn + "&_inttotime=1"
	times, plain := p.connect(dsn), open(t, "sqlite", dsn)
	const query = "SELECT at FROM moments"
	p.warm(query)
	want, _ := p.read(plain, query)
	for range 20 {
		if got, res := p.read(times, query); got != want {
			t.Fatalf("%q from %v, want %q", got, res.Source(), want)
		}
		time.Sleep(time.Millisecond)
	}
}
