package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/local"
)

// A rush is a cache over a database whose queries take a time, in a bubble.
type rush struct {
	*testing.T
	srv      *fakedriver.Server
	cache    *querycache.Cache
	db, bare *sql.DB
}

// inRush runs a test in a bubble: waiting takes no time, and what answers at
// once takes none at all.
func inRush(t *testing.T, cfg querycache.Config, test func(r *rush)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rush{T: t, srv: fakedriver.New()}
		defer func() { // a connection may still be one that hangs
			if left := r.srv.LeftOpen(); left != "" && !strings.HasSuffix(left, " 0 statements, 0 Rows") || len(r.srv.Misuse()) > 0 {
				t.Errorf("%s %q", left, r.srv.Misuse())
			}
		}()
		cfg.Local = local.Config{Jitter: -1}
		cfg.Session = func(context.Context) (string, bool) { return "", true }
		cache, err := querycache.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r.cache = cache
		r.db = cache.OpenDB(r.srv.Connector(fakedriver.Full))
		r.bare = sql.OpenDB(r.srv.Connector(fakedriver.Full))
		defer cache.Close()
		defer r.bare.Close()
		defer r.db.Close()
		test(r)
	})
}

// The lifetimes of the tests, and what a query takes.
const (
	rushTTL  = 20 * time.Second
	rushCost = 200 * time.Millisecond
)

const (
	hot      = "SELECT /* cache: ttl=20s tables=t */ * FROM t WHERE id = 1"
	hotStale = "SELECT /* cache: ttl=20s stale=10s tables=t */ * FROM t WHERE id = 2"
)

// A reading is what one read has shown.
type reading struct {
	version int64
	source  querycache.Source
	took    time.Duration
	age     time.Duration
	err     error
}

func (r *rush) read(query string, args ...any) reading {
	return r.readUnder(r.Context(), query, args...)
}

func (r *rush) readUnder(ctx context.Context, query string, args ...any) reading {
	ctx, res := querycache.WithResult(ctx)
	start := time.Now()
	var got reading
	var id int64
	var v any
	got.err = r.db.QueryRowContext(ctx, query, args...).Scan(&id, &v, &got.version)
	got.took, got.source, got.age = time.Since(start), res.Source(), res.Age()
	return got
}

// warm makes the entry; afterwards what the query takes is known.
func (r *rush) warm(query string) {
	r.Helper()
	r.srv.Delay(fakedriver.OpQuery, rushCost)
	if got := r.read(query); got.err != nil || got.source != querycache.Database {
		r.Fatalf("%+v", got)
	}
	if got := r.read(query); got.source != querycache.Local || got.took != 0 {
		r.Fatalf("%+v", got)
	}
}

func (r *rush) queries() int { return r.srv.Count(fakedriver.OpQuery) }

func (r *rush) exec(db *sql.DB, query string) {
	r.Helper()
	if _, err := db.ExecContext(r.Context(), query); err != nil {
		r.Fatal(err)
	}
}

// Whoever comes first asks the database, on one connection.
func TestTenThousandColdReaders(t *testing.T) {
	inRush(t, querycache.Config{}, func(r *rush) {
		r.srv.Delay(fakedriver.OpQuery, time.Second)
		r.srv.Delay(fakedriver.OpConnect, time.Second)
		var wg sync.WaitGroup
		var coalesced atomic.Int64
		for range 10_000 {
			wg.Go(func() {
				got := r.read(hot)
				if got.err != nil || got.version != 1 {
					t.Errorf("%+v", got)
				}
				if got.source == querycache.Coalesced {
					coalesced.Add(1)
				}
			})
		}
		wg.Wait()
		if r.queries() != 1 || r.srv.Count(fakedriver.OpConnect) != 1 || coalesced.Load() != 9_999 {
			t.Errorf("%d queries on %d connections, %d were answered by another's", r.queries(), r.srv.Count(fakedriver.OpConnect), coalesced.Load())
		}
	})
}

// While it is read, an answer is loaded anew before it ends: nobody waits, one
// loads at a time, and what others have written past the cache shows within the
// lifetime.
func TestEarlyRefresh(t *testing.T) {
	inRush(t, querycache.Config{}, func(r *rush) {
		r.warm(hot)
		const lifetimes = 15
		for start := time.Now(); time.Since(start) < lifetimes*rushTTL; time.Sleep(5 * time.Millisecond) {
			if got := r.read(hot); got.err != nil || got.took != 0 || got.source != querycache.Local {
				t.Fatalf("after %v: %+v", time.Since(start), got)
			}
		}
		st := r.cache.Stats()
		// Each begins up to a fifth before the end, most of them two costs.
		if n := r.queries() - 1; n < lifetimes-1 || n > lifetimes*5/4+1 {
			t.Errorf("%d queries in %d lifetimes", n, lifetimes)
		}
		if ref := st.Refreshes; ref.Started != int64(r.queries()-1) || ref.Unchanged < ref.Started-1 || ref.Skipped+ref.Failed+ref.Adopted != 0 {
			t.Errorf("%d queries, %+v", r.queries(), ref)
		}
		if st.Misses != 1 {
			t.Errorf("%d misses: a refresh is not one", st.Misses)
		}
		r.exec(r.bare, "UPDATE t SET v = 'x' WHERE id = 1")
		written, unchanged := time.Now(), r.cache.Stats().Refreshes.Unchanged
		for r.read(hot).version == 1 {
			if time.Since(written) > rushTTL {
				t.Fatal("not shown within a lifetime")
			}
			time.Sleep(5 * time.Millisecond)
		}
		if got := r.cache.Stats().Refreshes.Unchanged; got > unchanged+1 {
			t.Errorf("%d refreshes found nothing new, want at most the one that was under way", got-unchanged)
		}
	})
}

// A driver that panics in a refresh, where nobody could recover, takes nothing with
// it.
func TestDriverPanicsInARefresh(t *testing.T) {
	inRush(t, querycache.Config{}, func(r *rush) {
		r.warm(hot)
		r.srv.Panic(fakedriver.OpQuery, 1)
		for start := time.Now(); r.cache.Stats().Refreshes.Failed == 0; time.Sleep(5 * time.Millisecond) {
			if got := r.read(hot); got.err != nil || got.took != 0 || time.Since(start) > rushTTL {
				t.Fatalf("%+v after %v", got, time.Since(start))
			}
		}
		time.Sleep(rushTTL)
		if got := r.read(hot); got.err != nil || got.source != querycache.Database {
			t.Errorf("afterwards %+v", got)
		}
	})
}

// What is not read any more is not refreshed, and neither is anything if it is
// turned off.
func TestNoRefresh(t *testing.T) {
	for name, beta := range map[string]float64{"not read": 0, "turned off": -1} {
		inRush(t, querycache.Config{RefreshBeta: beta}, func(r *rush) {
			r.warm(hot)
			for range int(rushTTL / (5 * time.Millisecond)) {
				time.Sleep(5 * time.Millisecond)
				if beta < 0 {
					r.read(hot)
				}
			}
			if got := r.read(hot); got.source != querycache.Database && beta == 0 || r.cache.Stats().Refreshes.Started != 0 {
				t.Errorf("%s: %+v, %+v", name, got, r.cache.Stats().Refreshes)
			}
		})
	}
}

// A refresh that takes long is not joined by a second one, does not hold up
// readers, and ends with the cache.
func TestSlowRefresh(t *testing.T) {
	inRush(t, querycache.Config{}, func(r *rush) {
		r.warm(hot)
		r.srv.Delay(fakedriver.OpQuery, 3*time.Second)
		before := r.queries()
		for range int((rushTTL - time.Second) / (5 * time.Millisecond)) {
			time.Sleep(5 * time.Millisecond)
			if got := r.read(hot); got.took != 0 {
				t.Fatalf("%+v", got)
			}
		}
		if n := r.queries() - before; n > 1 {
			t.Errorf("%d refreshes of one answer at the same time", n)
		}
	})
	inRush(t, querycache.Config{}, func(r *rush) {
		const sleep = "SELECT /* cache: ttl=20s tables=t */ sleep(x) FROM t"
		go func() { time.Sleep(rushCost); r.srv.Event("x").Release() }()
		read := func() {
			rows, err := r.db.Query(sleep)
			if err != nil {
				t.Fatal(err)
			}
			rows.Close()
		}
		read()
		r.srv.Again("x")
		for r.cache.Stats().Refreshes.Started == 0 {
			time.Sleep(5 * time.Millisecond)
			read()
		}
		start := time.Now()
		r.cache.Close()
		if time.Since(start) != 0 {
			t.Errorf("Close waited %v for a refresh that hangs", time.Since(start))
		}
	})
}

// A refresh waits for no connection, and takes no argument that may change
// meanwhile.
func TestSkippedRefresh(t *testing.T) {
	inRush(t, querycache.Config{Conns: querycache.Conns{Max: 1}}, func(r *rush) {
		r.warm(hot)
		tx, err := r.db.Begin() // has the only connection
		if err != nil {
			t.Fatal(err)
		}
		for range int((rushTTL - rushCost*3/2) / (5 * time.Millisecond)) {
			time.Sleep(5 * time.Millisecond)
			if got := r.read(hot); got.took != 0 {
				t.Fatalf("%+v", got)
			}
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if ref := r.cache.Stats().Refreshes; ref.Skipped == 0 || ref.Started != 0 {
			t.Errorf("%+v", ref)
		}
	})
	inRush(t, querycache.Config{}, func(r *rush) {
		r.srv.Delay(fakedriver.OpQuery, rushCost)
		const query = "SELECT /* cache: ttl=20s tables=t */ * FROM t WHERE id = ?"
		id := 1
		pointed := func() reading { return r.read(query, &id) }
		pointed()
		for range int((rushTTL - rushCost*3/2) / (5 * time.Millisecond)) {
			time.Sleep(5 * time.Millisecond)
			if got := pointed(); got.err != nil || got.took != 0 {
				t.Fatalf("%+v", got)
			}
		}
		if ref := r.cache.Stats().Refreshes; ref.Skipped == 0 || ref.Started != 0 {
			t.Errorf("a pointer was kept: %+v", ref)
		}
	})
}

// Beyond its lifetime an answer is shown while a new one is read, not after the
// window, and never after a write.
func TestStaleWhileRefreshing(t *testing.T) {
	inRush(t, querycache.Config{RefreshBeta: -1}, func(r *rush) {
		r.warm(hotStale)
		time.Sleep(rushTTL + time.Second)
		r.exec(r.bare, "UPDATE t SET v = 'x' WHERE id = 2")
		got := r.read(hotStale)
		if got.source != querycache.Stale || got.took != 0 || got.version != 1 || got.age < rushTTL {
			t.Errorf("after its end: %+v", got)
		}
		if got := r.read(hotStale); got.source != querycache.Stale || got.took != 0 {
			t.Errorf("while it is refreshed: %+v", got)
		}
		time.Sleep(rushCost + time.Millisecond)
		if got := r.read(hotStale); got.source != querycache.Local || got.version != 2 {
			t.Errorf("after the refresh: %+v", got)
		}
		if st := r.cache.Stats(); st.Stale != 2 || st.Refreshes.Started != 1 || st.Misses != 1 {
			t.Errorf("%d stale, %d misses, %+v", st.Stale, st.Misses, st.Refreshes)
		}
		time.Sleep(rushTTL + 11*time.Second)
		if got := r.read(hotStale); got.source != querycache.Database || got.took != rushCost {
			t.Errorf("after the window: %+v", got)
		}
		time.Sleep(3 * time.Second)
		got = r.readUnder(querycache.WithTTL(r.Context(), 2*time.Second), hotStale)
		if got.source != querycache.Database {
			t.Errorf("to one who wants nothing older than 2 s: %+v", got)
		}
		time.Sleep(rushTTL + time.Second)
		r.exec(r.db, "UPDATE t SET v = 'y' WHERE id = 2")
		if got := r.read(hotStale); got.source != querycache.Database || got.version != 3 {
			t.Errorf("after a write: %+v", got)
		}
	})
}

// While the database cannot be reached, old answers are shown within their
// window; what it says of the statement or the user is passed on.
func TestStaleOnOutage(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	outages := map[string]func(*fakedriver.Server){
		"network": func(s *fakedriver.Server) { s.Fail(fakedriver.OpQuery, -1, refused) },
		"restart": func(s *fakedriver.Server) {
			s.Fail(fakedriver.OpQuery, -1, driver.ErrBadConn)
			s.Fail(fakedriver.OpConnect, -1, refused)
		},
	}
	for name, outage := range outages {
		inRush(t, querycache.Config{RefreshBeta: -1}, func(r *rush) {
			r.warm(hot)
			r.warm(hotStale)
			outage(r.srv)
			time.Sleep(rushTTL + time.Second)
			for range 20 {
				if got := r.read(hotStale); got.err != nil || got.source != querycache.Stale {
					t.Errorf("%s: %+v", name, got)
				}
				time.Sleep(400 * time.Millisecond)
			}
			if got := r.read(hot); !errors.Is(got.err, syscall.ECONNREFUSED) {
				t.Errorf("%s, without a window: %+v", name, got)
			}
			if ref := r.cache.Stats().Refreshes; ref.Failed+ref.Skipped == 0 || ref.Failed+ref.Skipped > 10 {
				t.Errorf("%s: 20 reads in 8 s, tried %+v", name, ref)
			}
			time.Sleep(3 * time.Second)
			if got := r.read(hotStale); !errors.Is(got.err, syscall.ECONNREFUSED) {
				t.Errorf("%s, after the window: %+v", name, got)
			}
		})
	}
	inRush(t, querycache.Config{RefreshBeta: -1}, func(r *rush) {
		r.warm(hotStale)
		time.Sleep(rushTTL + time.Second)
		r.srv.Fail(fakedriver.OpQuery, -1, refused)
		r.exec(r.db, "UPDATE t SET v = 'y' WHERE id = 2")
		if got := r.read(hotStale); !errors.Is(got.err, syscall.ECONNREFUSED) {
			t.Errorf("an old row is shown after a write: %+v", got)
		}
	})
	inRush(t, querycache.Config{RefreshBeta: -1}, func(r *rush) {
		r.warm(hotStale)
		denied := &fakedriver.Error{Text: "permission denied"}
		r.srv.Fail(fakedriver.OpQuery, -1, denied)
		time.Sleep(rushTTL + 11*time.Second)
		if got := r.read(hotStale); !errors.Is(got.err, denied) {
			t.Errorf("%+v, want the refusal", got)
		}
	})
}

// When everything is gone at once, the database is asked no faster than it can
// answer.
func TestLoadsAreLimited(t *testing.T) {
	inRush(t, querycache.Config{MaxLoads: 8}, func(r *rush) {
		r.srv.Delay(fakedriver.OpQuery, rushCost)
		const query = "SELECT /* cache: ttl=20s tables=t */ args(?, ?, ?) FROM t"
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 80 {
			wg.Go(func() {
				rows, err := r.db.Query(query, i, i, i)
				if err != nil {
					t.Error(err)
					return
				}
				rows.Close()
			})
		}
		synctest.Wait()
		late, cancel := context.WithTimeout(r.Context(), rushCost/2)
		defer cancel()
		if _, err := r.db.QueryContext(late, query, -1, -1, -1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the deadline's error", err)
		}
		wg.Wait()
		if took := time.Since(start); took != 10*rushCost {
			t.Errorf("80 loads, 8 at a time, took %v, want %v", took, 10*rushCost)
		}
		if st := r.cache.Stats(); st.LoadsWaited < 72 || st.LoadsOverran != 0 {
			t.Errorf("%d waited, %d overran", st.LoadsWaited, st.LoadsOverran)
		}
	})
}

// Loads that hang hold others up for a second, hits and what is not cached not
// at all.
func TestLoadsThatHang(t *testing.T) {
	inRush(t, querycache.Config{MaxLoads: 2}, func(r *rush) {
		r.warm(hot)
		for _, hang := range []string{"SELECT /* cache: ttl=1s tables=t */ sleep(a) FROM t", "SELECT /* cache: ttl=1s tables=t */ sleep(b) FROM t"} {
			go func() { _ = r.db.QueryRow(hang).Err() }()
		}
		synctest.Wait()
		time.Sleep(time.Second)
		if got := r.read(hot); got.took != 0 {
			t.Errorf("a hit: %+v", got)
		}
		if got := r.read("SELECT * FROM t WHERE id = 1"); got.took != rushCost {
			t.Errorf("not cached: %+v", got)
		}
		if got := r.read("SELECT /* cache: ttl=1m tables=t */ * FROM t WHERE id = 2"); got.took != rushCost+time.Second || got.err != nil {
			t.Errorf("another load: %+v", got)
		}
		if st := r.cache.Stats(); st.LoadsOverran != 1 {
			t.Errorf("%d overran", st.LoadsOverran)
		}
		r.srv.Event("a").Release()
		r.srv.Event("b").Release()
	})
}

// Readers let a short write end, and share one query afterwards; a long one does
// not hold them up for long, and they share queries too.
func TestReadersDuringAWrite(t *testing.T) {
	for _, c := range []struct {
		write   time.Duration
		queries int
	}{{50 * time.Millisecond, 1}, {time.Second, 1}} {
		inRush(t, querycache.Config{}, func(r *rush) {
			r.warm(hot)
			r.srv.Delay(fakedriver.OpExec, c.write)
			before := r.queries()
			go func() {
				if _, err := r.db.ExecContext(r.Context(), "UPDATE t SET v = 'x' WHERE id = 1"); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if got := r.read(hot); got.err != nil || got.took > rushCost+100*time.Millisecond {
						t.Errorf("write of %v: %+v", c.write, got)
					}
				})
			}
			wg.Wait()
			if n := r.queries() - before; n != c.queries {
				t.Errorf("write of %v: %d queries, want %d", c.write, n, c.queries)
			}
			time.Sleep(c.write)
			if got := r.read(hot); got.version != 2 {
				t.Errorf("write of %v: afterwards %+v", c.write, got)
			}
		})
	}
}

// A fileDialect is the generic one of a database in files.
type fileDialect struct{ dialect.Dialect }

func (fileDialect) Embedded() {}

func (fileDialect) Load(context.Context, driver.Conn) (dialect.Catalog, error) {
	return dialect.Names{}, nil
}

func (fileDialect) Probe(context.Context, driver.Conn) (dialect.Server, dialect.Session, error) {
	return "file", dialect.Session{}, nil
}

// An embedded database is not asked behind the back of its users: one reader
// refreshes, the others are answered; should it fail, so is the one.
func TestRefreshInTheForeground(t *testing.T) {
	inRush(t, querycache.Config{Dialect: fileDialect{dialect.Generic()}}, func(r *rush) {
		r.warm(hot)
		waited := 0
		for start := time.Now(); time.Since(start) < 10*rushTTL; time.Sleep(5 * time.Millisecond) {
			got := r.read(hot)
			if got.source == querycache.Database {
				waited++
			} else if got.source != querycache.Local || got.took != 0 {
				t.Fatalf("%+v", got)
			}
		}
		st := r.cache.Stats()
		if waited < 9 || waited > 12 || st.Refreshes.Started != int64(waited) || st.Refreshes.Unchanged != int64(waited) || r.srv.Count(fakedriver.OpConnect) != 1 {
			t.Errorf("%d waited in 10 lifetimes, on %d connections, %+v", waited, r.srv.Count(fakedriver.OpConnect), st.Refreshes)
		}
	})
	inRush(t, querycache.Config{Dialect: fileDialect{dialect.Generic()}}, func(r *rush) {
		r.warm(hot)
		busy := &fakedriver.Error{Text: "busy"}
		r.srv.Fail(fakedriver.OpQuery, -1, busy)
		for start := time.Now(); r.cache.Stats().Refreshes.Failed == 0; time.Sleep(5 * time.Millisecond) {
			if got := r.read(hot); got.err != nil || got.source != querycache.Local || time.Since(start) > rushTTL {
				t.Fatalf("%+v after %v", got, time.Since(start))
			}
		}
		time.Sleep(rushTTL)
		if got := r.read(hot); !errors.Is(got.err, busy) {
			t.Errorf("after its end: %+v", got)
		}
	})
	// Nor does anybody meet an error that comes behind the rows.
	inRush(t, querycache.Config{Dialect: fileDialect{dialect.Generic()}}, func(r *rush) {
		r.warm(hot)
		r.srv.Fail(fakedriver.OpEnd, -1, &fakedriver.Error{Text: "busy"})
		for start := time.Now(); r.cache.Stats().Refreshes.Failed == 0; time.Sleep(5 * time.Millisecond) {
			if got := r.read(hot); got.err != nil || got.source != querycache.Local || time.Since(start) > rushTTL {
				t.Fatalf("%+v after %v", got, time.Since(start))
			}
		}
	})
}
