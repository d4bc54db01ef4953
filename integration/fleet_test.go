package integration

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/testserver"
)

// A fleet is some processes on one database, each with a way to Redis of its
// own, and what they have told.
type fleet struct {
	*testing.T
	name    string
	dsn     string
	bare    *sql.DB
	tables  int
	members []*process
	change  func(i int, c *memberConfig) // what is special of the processes
	phases  []phase
	past    *checker.History // once it is judged

	mu   sync.Mutex       // guards following
	seen *checker.History // what was seen to be committed
	late []lateness       // of this process, in which the proxies are
}

type lateness struct {
	at, by int64
}

// newFleet makes a database with tables t0, t1, … and starts processes, as many
// as change is called for, which then wait.
func newFleet(t *testing.T, redis string, tables, processes int, change func(i int, c *memberConfig)) *fleet {
	t.Helper()
	return newFleetOn(t, testserver.Postgres(t), redis, tables, processes, change)
}

// newFleetOn is newFleet in a database that is there, and empty.
func newFleetOn(t *testing.T, dsn, redis string, tables, processes int, change func(i int, c *memberConfig)) *fleet {
	t.Helper()
	f := &fleet{T: t, name: t.Name(), dsn: dsn, tables: tables, seen: new(checker.History)}
	f.bare = openBare(t, f.dsn)
	var ddl strings.Builder
	for i := range tables {
		fmt.Fprintf(&ddl, `CREATE TABLE t%[1]d (id int PRIMARY KEY, v bigint NOT NULL, token bigint NOT NULL, log bigint[] NOT NULL);
INSERT INTO t%[1]d SELECT i, 0, 0, '{}' FROM generate_series(1, %[2]d) i; CREATE VIEW v%[1]d AS SELECT * FROM t%[1]d;
`, i, rowsOfEach)
	}
	mustExec(t, f.bare, ddl.String())
	f.change = change
	for range processes {
		f.add(redis, change)
	}
	for _, p := range f.members {
		f.until("the process is ready", p.told(&p.isReady))
	}
	f.watch()
	return f
}

// add starts one more process.
func (f *fleet) add(redis string, change func(i int, c *memberConfig)) *process {
	f.Helper()
	i := len(f.members)
	c := memberConfig{
		Name: fmt.Sprint("p", i), DSN: f.dsn, Namespace: f.name, Seed: uint64(i + 1), Tables: f.tables, Shared: f.tables,
		Readers: 2, Writers: 1, ReadPause: 2000, WritePause: 50_000, FirstToken: int64(i+1) * tokens, Bypass: 5,
	}
	p := &process{fleet: f, index: i, proxy: newProxy(f.T, redis), config: c}
	p.config.Redis = p.proxy.addr()
	if change != nil {
		change(i, &p.config)
	}
	f.members = append(f.members, p)
	p.start()
	return p
}

// rowsOfEach is how many rows a table has: all of them show its version.
const rowsOfEach = 2

// tokens is how many each process has, before those of the next begin.
const tokens = 1_000_000_000

// watch notes when versions become visible, and how late timers are here.
func (f *fleet) watch() {
	stop := make(chan struct{})
	var work sync.WaitGroup
	f.Cleanup(func() { close(stop); work.Wait() })
	every := func(d time.Duration, do func()) {
		work.Go(func() {
			for {
				before := time.Now()
				select {
				case <-stop:
					return
				case <-time.After(d):
				}
				f.mu.Lock()
				f.late = append(f.late, lateness{now(), int64(time.Since(before) - d)})
				f.mu.Unlock()
				do()
			}
		})
	}
	every(5*time.Millisecond, func() {})
	if f.tables > 20 {
		return
	}
	var all []string
	for i := range f.tables {
		all = append(all, fmt.Sprintf("SELECT %d, v FROM t%d WHERE id = 1", i, i))
	}
	query := strings.Join(all, " UNION ALL ")
	every(10*time.Millisecond, func() {
		rows, err := f.bare.Query(query)
		if err != nil {
			return // the test has ended
		}
		defer rows.Close()
		for rows.Next() {
			var table int
			var version int64
			if rows.Scan(&table, &version) == nil {
				f.mu.Lock()
				f.seen.Saw(table, version, now())
				f.mu.Unlock()
			}
		}
	})
}

func (f *fleet) order(c command) {
	for _, p := range f.members {
		p.order(c)
	}
}

var yes, no = true, false

// until polls, and fails after a time that only a fault takes.
func (f *fleet) until(what string, ok func() bool) {
	f.Helper()
	for start := time.Now(); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > 2*time.Minute {
			f.Fatalf("waited in vain: %s\n%s", what, f.failures())
		}
	}
}

func (f *fleet) failures() string {
	var all []string
	for _, p := range f.members {
		p.mu.Lock()
		for _, r := range p.failed {
			all = append(all, p.config.Name+": "+r.How)
		}
		p.mu.Unlock()
	}
	return strings.Join(all, "\n")
}

// live waits until every process that is left uses answers again, and has told
// what it wrote meanwhile.
func (f *fleet) live() {
	f.Helper()
	since := now()
	for _, p := range f.members {
		f.until(p.config.Name+" uses answers", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.killed != 0 || p.status.Status != nil && p.status.Live && !p.status.Untold && p.status.After > since
		})
	}
}

func openBare(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t testing.TB, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.Exec(text); err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
}
