package postgres_test

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/querycache/querycache"
)

const slowFunction = `CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN i; END $$`

// An answer is refreshed on another connection than the one that asked, and only
// if that one's session is the same: what is SET here shows nowhere else.
func TestRefreshKeepsSessionsApart(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, slowFunction)
	const query = "SELECT /* cache: ttl=400ms */ slow(n), '2026-01-01 00:00+00'::timestamptz::text FROM other"
	f.warm(f.db, other) // until the catalog is known, what calls a function is a write
	f.warm(f.db, query)
	type user struct{ cached, bare *sql.Conn }
	var users []user
	for _, zone := range []string{"", "Asia/Tokyo", "America/New_York"} {
		u := user{f.conn(f.db), f.conn(f.bare)}
		for _, c := range []*sql.Conn{u.cached, u.bare} {
			if zone != "" {
				f.exec(c, "SET TimeZone = '"+zone+"'")
			}
		}
		users = append(users, u)
	}
	f.db.SetMaxIdleConns(10)
	want := make([]string, len(users))
	for i, u := range users {
		want[i], _ = f.read(u.bare, query)
		if i > 0 && want[i] == want[0] {
			t.Fatal("the sessions see the same: the test shows nothing")
		}
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		for i, u := range users {
			if got, res := f.read(u.cached, query); got != want[i] {
				t.Fatalf("session %d is shown %s from %v, want %s", i, got, res.Source(), want[i])
			}
		}
		st := f.cache.Stats().Refreshes
		if st.Unchanged >= 3 && st.Failed >= 3 { // those of the first, and of the others
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", st)
		}
	}
}

// A door is a way to the database that can be shut.
type door struct {
	*testing.T
	target, addr string

	mu       sync.Mutex // guards following
	listener net.Listener
	conns    []net.Conn
	work     sync.WaitGroup
}

func newDoor(t *testing.T, target string) *door {
	d := &door{T: t, target: target, addr: "127.0.0.1:0"}
	d.open()
	t.Cleanup(d.shut)
	return d
}

func (d *door) open() {
	d.Helper()
	l, err := net.Listen("tcp", d.addr)
	if err != nil {
		d.Fatal(err)
	}
	d.mu.Lock()
	d.listener, d.addr = l, l.Addr().String()
	d.mu.Unlock()
	d.work.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", d.target)
			if err != nil {
				in.Close()
				continue
			}
			d.mu.Lock()
			if d.listener != l { // shut meanwhile
				in.Close()
				out.Close()
			}
			d.conns = append(d.conns, in, out)
			d.mu.Unlock()
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				d.work.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					way[0].Close()
				})
			}
		}
	})
}

// shut ends all connections and refuses new ones.
func (d *door) shut() {
	d.mu.Lock()
	if d.listener != nil {
		d.listener.Close()
		d.listener = nil
	}
	for _, c := range d.conns {
		c.Close()
	}
	d.conns = nil
	d.mu.Unlock()
	d.work.Wait()
}

// While the database cannot be reached old answers are shown, as such and within
// their window; when it is back, new ones.
func TestOldAnswersBridgeAnOutage(t *testing.T) {
	f := newFixture(t, nil)
	u, err := url.Parse(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(t, u.Host)
	db := f.connect(strings.Replace(f.dsn, u.Host, d.addr, 1))
	const bridged = "SELECT /* cache: ttl=300ms stale=1m */ n FROM other"
	const strict = "SELECT /* cache: ttl=300ms */ id, name FROM authors"
	f.warm(db, bridged)
	f.warm(db, strict)
	d.shut()
	f.exec(f.bare, "UPDATE other SET n = 7")
	time.Sleep(300 * time.Millisecond)
	for range 20 {
		got, res := f.read(db, bridged)
		if !strings.Contains(got, "int64:0") || res.Source() != querycache.Stale {
			t.Fatalf("%s from %v", got, res.Source())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := dump(t.Context(), db, strict); err == nil {
		t.Error("an answer without a window is shown while the database cannot be reached")
	}
	d.open()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		got, err := dump(ctx, db, bridged)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got, "int64:7") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("still %s after the database is back", got)
		}
	}
	if _, err := dump(t.Context(), db, strict); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}
