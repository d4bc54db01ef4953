package integration

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
)

// A member is a process of a fleet, seen from inside.
type member struct {
	memberConfig
	cache  *querycache.Cache
	db     *sql.DB
	tokens atomic.Int64
	late   atomic.Int64

	reading, writing gate

	mu  sync.Mutex // guards out
	out *bufio.Writer
}

// serve is the main function of a process of a fleet. It does not return before
// its parent has closed in, and so does not outlive it.
func serve(in io.Reader, out io.Writer) {
	m := &member{out: bufio.NewWriterSize(out, 1<<16)}
	dec := json.NewDecoder(in)
	if err := dec.Decode(&m.memberConfig); err != nil {
		return
	}
	m.tokens.Store(m.FirstToken)
	ended := make(chan struct{})
	commands := make(chan command, 8)
	go func() {
		defer close(ended)
		for {
			var c command
			if dec.Decode(&c) != nil {
				return
			}
			commands <- c
		}
	}()
	go m.work(commands)
	<-ended
	os.Exit(0)
}

func (m *member) work(commands <-chan command) {
	rdb := redis.NewClient(&redis.Options{Addr: m.Redis})
	cache, err := querycache.New(querycache.Config{
		Dialect: postgres.Dialect(), DefaultTTL: time.Minute, Redis: rdb, Namespace: m.Namespace,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		m.fail(err)
		return
	}
	connector, err := cache.Driver(stdlib.GetDefaultDriver()).(driver.DriverContext).OpenConnector(m.DSN)
	if err != nil {
		m.fail(err)
		return
	}
	m.cache, m.db = cache, sql.OpenDB(connector)
	m.db.SetMaxIdleConns(m.Readers + m.Writers + 1)
	go m.watch()
	for { // the catalog is read in the background, and Redis attached to
		ctx, res := querycache.WithResult(context.Background())
		if _, err := m.see(ctx, 0, 0); err != nil {
			m.fail(err)
			return
		}
		if res.Source() == querycache.Local && m.live() {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	m.reading.close()
	m.writing.close()
	for i := range m.Readers {
		go m.loop(&m.reading, i, m.ReadPause, m.read)
	}
	for i := range m.Writers {
		go m.loop(&m.writing, 100+i, m.WritePause, m.write)
	}
	m.tell(record{Kind: isReady})
	for c := range commands {
		if c.Read != nil {
			m.reading.set(*c.Read)
		}
		if c.Write != nil {
			m.writing.set(*c.Write)
		}
		if c.Quiet {
			m.quiet()
		}
		if c.Rest {
			m.rest()
		}
		if c.Measure {
			m.tell(record{Kind: isHeld, After: now(), Held: measure()})
		}
		if c.Exec != "" {
			go func() {
				if _, err := m.db.Exec(c.Exec); err != nil {
					m.fail(err)
				}
			}()
		}
	}
}

// measure says what the process holds.
func measure() *Held {
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	h := &Held{Goroutines: runtime.NumGoroutine(), Heap: mem.HeapAlloc}
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			h.Connections++
		}
	}
	return h
}

// loop calls do for as long as the gate is open.
func (m *member) loop(g *gate, stream, pause int, do func(*rand.Rand) bool) {
	rng := rand.New(rand.NewPCG(m.Seed, uint64(stream)))
	for more := true; more; {
		g.enter()
		more = do(rng)
		g.leave()
		time.Sleep(time.Duration(float64(pause) * (0.5 + rng.Float64()) * float64(time.Microsecond)))
	}
}

func (m *member) quiet() {
	m.reading.close()
	m.writing.close()
	for m.untold() {
		time.Sleep(2 * time.Millisecond)
	}
	m.tell(record{Kind: isQuiet})
}

// untold reports whether the fleet was not told of all that was written: then
// nobody will ever reach what the token stands for.
func (m *member) untold() bool {
	token, err := base64.RawURLEncoding.DecodeString(m.cache.Token())
	if err != nil {
		m.fail(err)
	}
	return bytes.Contains(token, strconv.AppendUint(nil, math.MaxUint64, 10))
}

// rest comes when all are quiet.
func (m *member) rest() {
	// What others wrote last is known after a Sync that has begun since: the second
	// that is answered has. A slow machine takes its time for two of them.
	answered := func() (n int64) {
		for _, d := range m.cache.Stats().Shared.Databases {
			n += d.Node.Syncs - d.Node.SyncErrors
		}
		return n
	}
	for before, end := answered(), time.Now().Add(deadline); ; {
		time.Sleep(3 * poll)
		if answered() >= before+2 || time.Now().After(end) {
			break
		}
	}
	for t := range m.Tables {
		for how := range m.lastReads() {
			m.readOne(isLastRead, t, how, false)
		}
	}
	m.tell(record{Kind: isDone})
}

func (m *member) live() bool {
	for _, d := range m.cache.Stats().Shared.Databases {
		if d.Live {
			return true
		}
	}
	return false
}

// watch tells how the process is doing, and how late its timers are.
func (m *member) watch() {
	const tick = 5 * time.Millisecond
	for i := 1; ; i++ {
		before := time.Now()
		time.Sleep(tick)
		m.late.Store(max(m.late.Load(), int64(time.Since(before)-tick)))
		if i%20 != 0 {
			continue
		}
		st := m.cache.Stats()
		s := &Status{Live: m.live(), Untold: m.untold(), Late: m.late.Swap(0), Hits: st.Hits, Shared: st.Shared.Hits, Unreadable: st.Shared.Unreadable, Everything: st.Everything}
		for _, d := range st.Shared.Databases {
			s.Hints += d.Node.Hints
			s.SyncErrors += d.Node.SyncErrors
		}
		m.tell(record{Kind: isStatus, After: now(), Status: s})
	}
}

func now() int64 { return time.Now().UnixNano() }

// tell writes a record. That of a write has to be out before the write is sent.
func (m *member) tell(r record) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out.Write(append(line, '\n'))
	if r.Kind != isRead {
		err = m.out.Flush()
	}
	if err != nil {
		os.Exit(1) // the parent is gone
	}
}

func (m *member) fail(err error) {
	m.tell(record{Kind: isFailed, After: now(), How: err.Error()})
}

// reads are ways to see the row of a table; the last one, all its rows.
var reads = []string{
	"SELECT v, token FROM t%d",
	"SELECT v, token FROM t%d WHERE id = $1",
	"SELECT v, token FROM v%d",
	"SELECT v, token FROM t%d ORDER BY id",
}

// lastReads is in how many of the ways each table is read at rest.
func (c memberConfig) lastReads() int {
	if c.Tables > 20 {
		return 1
	}
	return len(reads)
}

// see returns what the first row shows and, for the last way, how many there are
// and whether they differ.
func (m *member) see(ctx context.Context, table, how int) (r record, err error) {
	var args []any
	if how == 1 {
		args = []any{1}
	}
	text := fmt.Sprintf(reads[how], table)
	if how < len(reads)-1 {
		err = m.db.QueryRowContext(ctx, text, args...).Scan(&r.Version, &r.Token)
		return r, err
	}
	rows, err := m.db.QueryContext(ctx, text)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	for ; rows.Next(); r.Rows++ {
		var v, token int64
		if err := rows.Scan(&v, &token); err != nil {
			return r, err
		}
		if r.Rows == 0 {
			r.Version, r.Token = v, token
		}
		r.Torn = r.Torn || v != r.Version || token != r.Token
	}
	return r, rows.Err()
}

func (m *member) read(rng *rand.Rand) bool {
	how := 0
	if rng.IntN(4) == 0 {
		how = 1 + rng.IntN(len(reads)-1)
	}
	m.readOne(isRead, rng.IntN(m.Tables), how, rng.IntN(100) < m.Bypass)
	return true
}

func (m *member) readOne(kind string, table, how int, bypass bool) {
	ctx, res := querycache.WithResult(context.Background())
	if bypass {
		ctx = querycache.WithBypass(ctx)
	}
	before := now()
	r, err := m.see(ctx, table, how)
	if err != nil {
		m.fail(fmt.Errorf("read: %w", err))
		return
	}
	r.Kind, r.Table, r.Before, r.After, r.How, r.Bypass = kind, table, before, now(), res.Source().String(), bypass
	m.tell(r)
}

// A gate lets workers pass while it is open. The zero value is open.
type gate struct {
	mu sync.RWMutex
	// shut is guarded by turn.
	turn sync.Mutex
	shut bool
}

func (g *gate) enter() { g.mu.RLock() }
func (g *gate) leave() { g.mu.RUnlock() }

// close returns when those that have passed have left.
func (g *gate) close() { g.set(false) }

func (g *gate) set(open bool) {
	g.turn.Lock()
	defer g.turn.Unlock()
	switch {
	case open && g.shut:
		g.mu.Unlock()
	case !open && !g.shut:
		g.mu.Lock()
	}
	g.shut = !open
}
