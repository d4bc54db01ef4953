package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/fakedriver"
)

// A slowReader hands out the rows of each query a time after they were read.
type slowReader struct {
	driver.Connector
	after func() time.Duration
}

func (k slowReader) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return slowConn{c.(wholeConn), k.after}, nil
}

type wholeConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

type slowConn struct {
	wholeConn
	after func() time.Duration
}

func (c slowConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.wholeConn.QueryContext(ctx, text, args)
	time.Sleep(c.after())
	return rows, err
}

// What is written through the driver's own connection has ended when the driver
// says so, although the cache is told later: who reads then must see it.
func TestNobodyJoinsAcrossAWriteOnTheDriver(t *testing.T) {
	for name, write := range map[string]func(r *rush, conn *sql.Conn, write func(driver.Conn)){
		"Unwrap": func(_ *rush, conn *sql.Conn, write func(driver.Conn)) {
			_ = conn.Raw(func(c any) error { write(querycache.Unwrap(c.(driver.Conn))); return nil })
		},
		"Raw": func(r *rush, conn *sql.Conn, write func(driver.Conn)) {
			if err := querycache.Raw(r.Context(), conn, func(base driver.Conn) error { write(base); return nil }, "t"); err != nil {
				r.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRush(t, querycache.Config{}, func(r *rush) {
				slow := time.Second
				db := r.cache.OpenDB(slowReader{r.srv.Connector(fakedriver.Full), func() time.Duration { return slow }})
				defer db.Close()
				r.db.Close()
				r.db = db
				conn, err := db.Conn(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				var wg sync.WaitGroup
				write(r, conn, func(base driver.Conn) {
					wg.Go(func() { r.read(hot) }) // has read the old row, and is slow to say so
					synctest.Wait()
					slow = 0
					if _, err := base.(driver.ExecerContext).ExecContext(r.Context(), "UPDATE t SET v = 'x' WHERE id = 1", nil); err != nil {
						t.Error(err)
					}
					if got := r.read(hot); got.version != 2 {
						t.Errorf("the writer's next read: %+v", got)
					}
				})
				wg.Wait()
			})
		})
	}
}

// A refresh has a connection in hand: it does not wait for a reader who may be
// waiting for that one.
func TestRefreshDoesNotWaitForWhoWaitsForIt(t *testing.T) {
	inRush(t, querycache.Config{RefreshBeta: -1, Conns: querycache.Conns{Max: 1, MaxIdleTime: time.Second}}, func(r *rush) {
		r.warm(hotStale)
		r.srv.Delay(fakedriver.OpConnect, 500*time.Millisecond)
		time.Sleep(rushTTL + time.Second)
		if got := r.read(hotStale); got.source != querycache.Stale {
			t.Fatalf("%+v", got)
		}
		synctest.Wait() // the refresh dials
		ctx := querycache.WithRefresh(r.Context())
		start := time.Now()
		if err := r.db.QueryRowContext(ctx, hotStale).Err(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("a reader waited %v for the only connection, which the refresh held while it waited for the reader", took)
		}
	})
}

// Many answers that near their end together do not open a connection each.
func TestRefreshesOpenFewConnections(t *testing.T) {
	inRush(t, querycache.Config{MaxLoads: 8}, func(r *rush) {
		r.srv.Delay(fakedriver.OpQuery, rushCost)
		query := func(i int) {
			rows, err := r.db.Query("SELECT /* cache: ttl=20s tables=t */ args(?) FROM t", i)
			if err != nil {
				t.Error(err)
				return
			}
			rows.Close()
		}
		const answers = 300
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { query(i) })
		}
		wg.Wait()
		most := 0
		time.Sleep(8 * time.Second)
		for range 240 {
			time.Sleep(50 * time.Millisecond)
			for i := range answers {
				query(i)
			}
			most = max(most, r.srv.Open())
		}
		if most > 3*8 {
			t.Errorf("%d connections at a time, with 8 loads at a time allowed", most)
		}
	})
}

// A write that takes long, or never ends, holds up a few reads, not each one.
func TestAStuckWriteStallsNobodyForLong(t *testing.T) {
	inRush(t, querycache.Config{}, func(r *rush) {
		r.warm(hot)
		conn, err := r.db.Conn(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.Raw(func(c any) error { querycache.Unwrap(c.(driver.Conn)); return nil }) // and goes on listening, say
		start := time.Now()
		const reads = 20
		for range reads {
			if got := r.read(hot); got.err != nil {
				t.Fatal(got.err)
			}
		}
		if extra := time.Since(start) - reads*rushCost; extra > 300*time.Millisecond {
			t.Errorf("%d reads waited %v in all for a write that does not end", reads, extra)
		}
	})
}

// An old answer bridges an outage; once the database refuses, the refusal shows,
// as without the cache.
func TestStaleEndsWithARefusal(t *testing.T) {
	inRush(t, querycache.Config{RefreshBeta: -1}, func(r *rush) {
		r.warm(hotStale)
		denied := &fakedriver.Error{Text: "permission denied"}
		r.srv.Fail(fakedriver.OpQuery, -1, denied)
		time.Sleep(rushTTL + time.Second)
		r.read(hotStale) // begins the refresh
		time.Sleep(2 * rushCost)
		if got := r.read(hotStale); got.err == nil {
			t.Errorf("the database refuses, and what is shown is %+v", got)
		}
	})
}

// A first dial that hangs does not keep others from their own.
func TestFirstDialHangs(t *testing.T) {
	inRush(t, querycache.Config{}, func(r *rush) {
		k := &hangingOnce{Connector: r.srv.Connector(fakedriver.Full), release: make(chan struct{})}
		r.db = r.cache.OpenDB(k)
		defer r.db.Close()
		var wg sync.WaitGroup
		wg.Go(func() { _ = r.db.Ping() })
		synctest.Wait()
		time.AfterFunc(time.Minute, func() { close(k.release) })
		if got := r.read("SELECT * FROM t WHERE id = 1"); got.err != nil || got.took > 10*time.Second {
			t.Errorf("%+v", got)
		}
		wg.Wait()
	})
}

type hangingOnce struct {
	driver.Connector
	hung    atomic.Bool
	release chan struct{}
}

func (k *hangingOnce) Connect(ctx context.Context) (driver.Conn, error) {
	if !k.hung.Swap(true) {
		<-k.release
	}
	return k.Connector.Connect(ctx)
}

// A database that is so busy that its queries take more than a second is the one
// that the limiter is for.
func TestSlowLoadsStayLimited(t *testing.T) {
	inRush(t, querycache.Config{MaxLoads: 8}, func(r *rush) {
		r.srv.Delay(fakedriver.OpQuery, 3*time.Second)
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				rows, err := r.db.Query("SELECT /* cache: ttl=20s tables=t */ args(?) FROM t", i)
				if err != nil {
					t.Error(err)
					return
				}
				rows.Close()
			})
		}
		wg.Wait()
		// 8, and 8 more in each of the three seconds, at whichever end.
		if most := r.srv.Most(fakedriver.OpQuery); most > 5*8 {
			t.Errorf("%d loads at a time, 8 are allowed", most)
		}
	})
}

// A connection that a refresh finds broken is not kept for the next one.
func TestRefreshKeepsNoBrokenConnection(t *testing.T) {
	inRush(t, querycache.Config{RefreshBeta: -1}, func(r *rush) {
		r.db.Close()
		r.db = r.cache.OpenDB(r.srv.Connector(fakedriver.NoValid))
		defer r.db.Close()
		r.warm(hotStale)
		before := r.srv.Count(fakedriver.OpConnect)
		r.srv.Fail(fakedriver.OpQuery, 1, driver.ErrBadConn)
		time.Sleep(rushTTL + time.Second)
		r.read(hotStale)
		time.Sleep(2 * time.Second)
		r.read(hotStale)
		time.Sleep(2 * time.Second)
		if n := r.srv.Count(fakedriver.OpConnect) - before; n != 1 {
			t.Errorf("%d connections opened in place of the broken one, want 1", n)
		}
	})
}

// What a hit costs does not depend on how old the answer is.
func TestAllocsOfAnAgingHit(t *testing.T) {
	inRush(t, querycache.Config{}, func(r *rush) {
		r.srv.Delay(fakedriver.OpQuery, time.Nanosecond) // never refreshed early
		r.read(hot)
		hit := func() {
			rows, err := r.db.QueryContext(r.Context(), hot)
			if err != nil {
				t.Fatal(err)
			}
			rows.Close()
		}
		young := testing.AllocsPerRun(200, hit)
		time.Sleep(rushTTL * 9 / 10)
		aging := testing.AllocsPerRun(200, hit)
		if st := r.cache.Stats(); st.Misses != 1 || st.Refreshes.Started != 0 {
			t.Fatalf("%d misses, %+v", st.Misses, st.Refreshes)
		}
		if aging > young {
			t.Errorf("a hit in the last fifth of its lifetime: %v allocations, before %v", aging, young)
		}
	})
}
