package integration

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
)

// crowdVariable turns the test binary into a process of a crowd.
const crowdVariable = "QUERYCACHE_INTEGRATION_CROWD"

// A crowdConfig is what a process of a crowd does: many goroutines read the one
// row again and again.
type crowdConfig struct {
	DSN, Redis, Namespace string
	Readers               int
	Pause                 time.Duration // between two reads of a goroutine
	Query                 string
}

// A watch asks for what is seen in a time from now on.
type watch struct{ For time.Duration }

// A crowdReport is what was seen.
type crowdReport struct {
	Error   string
	Sources map[string]int
	// Hits are the times of reads from memory, Waits those of all others.
	Hits, Waits []time.Duration
	// Last is the newest version that was seen, Fell how often an older one
	// was after it by the same goroutine.
	Last      int64
	Fell      int
	Leases    querycache.LeaseStats
	Refreshes querycache.RefreshStats
	Failures  int64 // operations of Redis that did not end in time
}

// openCached returns a cache and a database through it. The caller closes both.
func openCached(dsn, redisAddr, namespace string) (*querycache.Cache, *sql.DB, error) {
	cache, err := querycache.New(querycache.Config{
		Dialect: postgres.Dialect(), Redis: redis.NewClient(&redis.Options{Addr: redisAddr}), Namespace: namespace,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, nil, err
	}
	connector, err := cache.Driver(stdlib.GetDefaultDriver()).(driver.DriverContext).OpenConnector(dsn)
	if err != nil {
		return nil, nil, err
	}
	return cache, sql.OpenDB(connector), nil
}

// serveCrowd is the main function of a process of a crowd. It answers each watch
// with a report, and the first line of in, its configuration, with an empty one
// when it is ready.
func serveCrowd(in io.Reader, out io.Writer) {
	dec, enc := json.NewDecoder(in), json.NewEncoder(out)
	var c crowdConfig
	if dec.Decode(&c) != nil {
		return
	}
	answer := func(r crowdReport) {
		if enc.Encode(r) != nil {
			os.Exit(1) // the parent is gone
		}
	}
	cache, db, err := openCached(c.DSN, c.Redis, c.Namespace)
	if err != nil {
		answer(crowdReport{Error: err.Error()})
		return
	}
	db.SetMaxIdleConns(c.Readers)
	m := &crowdMember{crowdConfig: c, cache: cache, db: db}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if s := m.read(new(int64)); s.source == querycache.Local.String() {
			break
		} else if time.Now().After(end) {
			answer(crowdReport{Error: "nothing is kept: " + s.reason})
			return
		}
	}
	answer(crowdReport{})
	for {
		var w watch
		if dec.Decode(&w) != nil {
			return
		}
		answer(m.watch(w.For))
	}
}

type crowdMember struct {
	crowdConfig
	cache *querycache.Cache
	db    *sql.DB
}

type sight struct {
	source, reason string
	took           time.Duration
	version        int64
	err            error
}

func (m *crowdMember) read(last *int64) sight {
	ctx, res := querycache.WithResult(context.Background())
	start := time.Now()
	var s sight
	s.err = m.db.QueryRowContext(ctx, m.Query).Scan(&s.version)
	s.took, s.source, s.reason = time.Since(start), res.Source().String(), string(res.Reason())
	*last = max(*last, s.version)
	return s
}

func (m *crowdMember) watch(d time.Duration) crowdReport {
	var mu sync.Mutex // guards r
	r, before := crowdReport{Sources: make(map[string]int)}, m.figures()
	end := time.Now().Add(d)
	var work sync.WaitGroup
	for range m.Readers {
		work.Go(func() {
			own, last, fell := make([]sight, 0, 64), int64(0), 0
			time.Sleep(time.Duration(rand.Float64() * float64(m.Pause)))
			for time.Now().Before(end) {
				s := m.read(&last)
				if own = append(own, s); s.version < last {
					fell++
				}
				time.Sleep(time.Duration((0.5 + rand.Float64()) * float64(m.Pause)))
			}
			mu.Lock()
			defer mu.Unlock()
			r.Last, r.Fell = max(r.Last, last), r.Fell+fell
			for _, s := range own {
				if s.err != nil {
					r.Error = s.err.Error()
				}
				r.Sources[s.source]++
				if s.source == querycache.Local.String() {
					r.Hits = append(r.Hits, s.took)
				} else {
					r.Waits = append(r.Waits, s.took)
				}
			}
		})
	}
	work.Wait()
	after := m.figures()
	r.Leases.Taken = after.Leases.Taken - before.Leases.Taken
	r.Leases.Expired = after.Leases.Expired - before.Leases.Expired
	r.Leases.Answered = after.Leases.Answered - before.Leases.Answered
	r.Leases.Overdue = after.Leases.Overdue - before.Leases.Overdue
	r.Refreshes.Started = after.Refreshes.Started - before.Refreshes.Started
	r.Refreshes.Adopted = after.Refreshes.Adopted - before.Refreshes.Adopted
	r.Failures = after.Failures - before.Failures
	return r
}

// figures are those since the process began.
func (m *crowdMember) figures() (r crowdReport) {
	st := m.cache.Stats()
	r.Leases, r.Refreshes = st.Leases, st.Refreshes
	for _, d := range st.Shared.Databases {
		r.Failures += d.Tier.Get.Errors + d.Tier.Set.Errors + d.Tier.Lease.Errors + d.Tier.Refused + d.Tier.FillsDropped
	}
	return r
}

// quantile returns the q-th part of times, 0 if there are none.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(int(q*float64(len(times))), len(times)-1)]
}

// Everything that a process tells is a line.
func lines(r io.Reader) *json.Decoder { return json.NewDecoder(bufio.NewReaderSize(r, 1<<20)) }
