package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

// TestPostgresDown: while PostgreSQL is restarted, after it has crashed, and
// while it hangs, answers are used for their lifetime, and for longer where a
// statement permits it, but not after a write; what needs the database fails as
// without the cache, and afterwards nothing is left of it.
func TestPostgresDown(t *testing.T) {
	client := redisClient(t, testserver.Redis(t))
	server := testserver.NewPostgres(t)
	p := newPairOn(t, server.DSN(), client, toxicSchema+`; CREATE TABLE x0 (v int); INSERT INTO x0 VALUES (0);
CREATE TABLE x1 (v int); INSERT INTO x1 VALUES (0); CREATE TABLE x2 (v int); INSERT INTO x2 VALUES (0)`, nil)
	tr := &trial{T: t, pair: p}
	settle()
	const (
		lasting = "SELECT /* cache: ttl=10m */ v FROM u WHERE v > 0" // without its hint, the text is no other's
		short   = "SELECT /* cache: ttl=500ms */ v FROM u"
		bridged = "SELECT /* cache: ttl=500ms stale=10m */ v FROM u WHERE v = v"
	)
	for i, fault := range []struct {
		name     string
		down, up func()
		sent     bool // a write comes to the server, and nothing back
	}{
		{"shut down", server.Shutdown, server.Start, false},
		{"crashed", server.Kill, server.Start, false},
		{"hanging", server.Stop, server.Cont, true},
	} {
		// A table for each: what may take effect later is bumped for long after.
		table := fmt.Sprint("x", i)
		written := "SELECT /* cache: ttl=500ms stale=10m */ v FROM " + table
		// Committed, and so it is kept.
		p.b.exec("UPDATE t SET v = v + 1")
		tr.written = append(tr.written, time.Now())
		p.a.sees("SELECT v FROM t", p.b.warm("SELECT v FROM t"), longPoll)
		for _, query := range []string{lasting, short, bridged, written, "SELECT v FROM t"} {
			tr.until("an answer in memory", func() bool {
				_, res, _, err := tr.read(p.a.db, query)
				return err == nil && res.Source() == querycache.Local
			})
		}
		conn, err := p.a.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), "SELECT 1"); err != nil { // and so it has a real one
			t.Fatal(err)
		}
		fault.down()
		time.Sleep(600 * time.Millisecond) // the short lifetime, and what a busy machine reads late

		shows := func(query string, want querycache.Source) {
			t.Helper()
			if _, res, took, err := tr.read(p.a.db, query); err != nil || res.Source() != want {
				t.Errorf("%s: %s is from %v (%s), %v; want it from %v", fault.name, query, res.Source(), res.Reason(), err, want)
			} else if took > added {
				t.Errorf("%s: %s takes %v", fault.name, query, took)
			}
		}
		fails := func(query string) {
			t.Helper()
			if v, res, took, err := tr.read(p.a.db, query); err == nil {
				t.Errorf("%s: %s shows %d from %v", fault.name, query, v, res.Source())
			} else if took > patience+added {
				t.Errorf("%s: %s takes %v", fault.name, query, took)
			}
		}
		tr.until("what others write is known", func() bool {
			_, res, _, err := tr.read(p.a.db, lasting)
			return err == nil && res.Source() == querycache.Local && p.a.live()
		})
		shows(lasting, querycache.Local)
		shows(bridged, querycache.Stale)
		shows(written, querycache.Stale)
		fails(short)
		fails("SELECT /* cache: off */ v FROM u")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := conn.ExecContext(ctx, "UPDATE "+table+" SET v = v + 1"); err == nil {
			t.Errorf("%s: a write succeeds", fault.name)
		}
		cancel()
		if fault.sent { // and may take effect
			fails(written)
		}
		shows(bridged, querycache.Stale)
		conn.Close()

		fault.up()
		tr.normal()
		var kept int
		if err := p.b.db.QueryRow("SELECT /* cache: off */ v FROM t").Scan(&kept); err != nil || kept != len(tr.written) {
			t.Errorf("%s: after it, v is %d, %v, although %d was committed", fault.name, kept, err, len(tr.written))
		}
		for _, n := range []*node{p.a, p.b} {
			for _, table := range []string{"t", "u", "w", table} {
				want, _ := n.read("SELECT /* cache: off */ v FROM " + table)
				n.sees("SELECT v FROM "+table, want, deadline)
			}
		}
	}
}
