package postgres_test

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/dialect/postgres"
	"github.com/querycache/querycache/dialect/postgres/pgsql"
)

// A transaction that a text began which only the server understands is one all
// the same, whether the driver tells of it or not.
func TestBeginNotUnderstood(t *testing.T) {
	// One that knows how pgx scans, but not that pgx tells.
	scanner, _ := postgres.Dialect().(dialect.ColumnScanner)
	quiet := struct {
		pgsql.Dialect
		dialect.ColumnScanner
	}{ColumnScanner: scanner}
	for name, d := range map[string]dialect.Dialect{"told by pgx": postgres.Dialect(), "told by nobody": quiet} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *querycache.Config) { c.Dialect = d })
			usual := f.warm(f.db, other)
			conn := f.conn(f.db)
			const begin = "BEGIN; SELECT 1 OR FROM other"
			if st := d.Parse(begin); st.Kind != dialect.Unknown {
				t.Fatalf("%q is %v: the test needs a text that the parser refuses", begin, st.Kind)
			}
			f.exec(conn, begin, pgx.QueryExecModeSimpleProtocol)
			f.exec(conn, "UPDATE other SET n = 31")
			for range 3 {
				if got, res := f.read(conn, other); got == usual || res.Source() != querycache.Database {
					t.Errorf("in the transaction %s from %v", got, res.Source())
				}
				if got, res := f.read(f.db, other); got != usual {
					t.Errorf("beside the transaction %s from %v, want %s", got, res.Source(), usual)
				}
			}
			f.exec(conn, "COMMIT")
			want, _ := f.read(f.bare, other)
			if got, res := f.read(f.db, other); got != want {
				t.Errorf("after COMMIT %s from %v, want %s", got, res.Source(), want)
			}
			f.warm(conn, other)
		})
	}
}

// A setting that changed behind everybody's back is noticed, since the server
// tells of it.
func TestSettingsChangedUnseen(t *testing.T) {
	const query = "SELECT '2026-07-01 12:00+00'::timestamptz::text FROM other"
	f := newFixture(t, nil)
	f.exec(f.bare, `CREATE FUNCTION sly() RETURNS int IMMUTABLE LANGUAGE plpgsql AS
 $$ BEGIN PERFORM set_config('TimeZone', 'Asia/Tokyo', false); RETURN 1; END $$`)
	f.exec(f.db, "CREATE TABLE new_to_the_cache (n int)")
	f.warm(f.db, other)
	want, _ := f.read(f.bare, query)
	for range 3 {
		f.read(f.db, "SELECT sly(), n FROM other")
		if got, res := f.read(f.db, query); got != want {
			t.Errorf("%s from %v, want %s", got, res.Source(), want)
		}
	}
	f.warm(f.db, query)
}

// A COMMIT that the server has done, but whose answer never came.
func TestLostCommit(t *testing.T) {
	f := newFixture(t, nil)
	p := newProxy(t, f.dsn)
	db := f.connect(p.dsn)
	f.warm(db, other)
	f.warm(f.db, other)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.exec(tx, "UPDATE other SET n = 64")
	p.cut.Store(true)
	if err := tx.Commit(); err == nil {
		t.Fatal("the COMMIT was answered")
	}
	want, _ := f.read(f.bare, other)
	for range 3 {
		if got, res := f.read(f.db, other); got != want {
			t.Errorf("after a COMMIT without an answer %s from %v, want %s", got, res.Source(), want)
		}
	}
	// And one of an autocommit write, which pgx runs again if it can.
	f.warm(db, other)
	p.cut.Store(true)
	_, err = db.Exec("UPDATE other SET n = 65 /* commit */")
	if p.cut.Load() {
		t.Fatalf("nothing was cut: %v", err)
	}
	want, _ = f.read(f.bare, other)
	if got, res := f.read(f.db, other); got != want {
		t.Errorf("after a write without an answer %s from %v, want %s", got, res.Source(), want)
	}
	f.warm(db, other)
}

// A proxy stands between a driver and the server. Once cut is set, the answer to
// the next message that says commit is read, so that it was done, and lost with
// the connection.
type proxy struct {
	dsn    string
	cut    atomic.Bool
	server string
	conns  sync.WaitGroup
}

func newProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{server: u.Host}
	u.Host = l.Addr().String()
	p.dsn = u.String()
	p.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); p.conns.Wait() })
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	var lost atomic.Bool
	p.conns.Go(func() {
		defer server.Close()
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := client.Read(buf)
			if bytes.Contains(bytes.ToLower(buf[:n]), []byte("commit")) && p.cut.CompareAndSwap(true, false) {
				lost.Store(true)
			}
			if _, werr := server.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || lost.Load() {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
