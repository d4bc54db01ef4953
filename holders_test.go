package querycache_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/dialect/sqlite"
)

// One who holds the only connection reads what another, who waits for it, is
// about to load: he must not wait for that one.
func TestHolderDoesNotWaitForWaiter(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.Conns.Max = 1 })
	f.read(f.db, "SELECT 1")
	conn := f.conn()
	f.exec(conn, "INSERT INTO audit VALUES (3)") // it has the connection now
	waiting := make(chan error, 1)
	go func() {
		var n int
		waiting <- f.db.QueryRow(other).Scan(&n)
	}()
	for f.cache.Stats().Conns.Waits == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var n int
	if err := conn.QueryRowContext(ctx, other).Scan(&n); err != nil {
		t.Errorf("the holder of the connection: %v", err)
	}
	conn.Close()
	if err := <-waiting; err != nil {
		t.Errorf("the one who waits for it: %v", err)
	}
}

// What is known of databases that were closed is forgotten, but for the last few.
func TestClosedDatabasesAreForgotten(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	before := f.cache.Stats().Invalidations
	for i := range 40 {
		db := f.connect(filepath.Join(t.TempDir(), fmt.Sprint(i)))
		f.exec(db, "CREATE TABLE t (n)")
		f.read(db, "SELECT n FROM t")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.cache.Servers(); n > 20 {
		t.Errorf("%d databases are known, one is open", n)
	}
	if st := f.cache.Stats(); st.Invalidations < before+40 {
		t.Errorf("%d invalidations counted, want those of closed databases among them", st.Invalidations)
	}
	if _, res := f.read(f.db, other); res.Source() != querycache.Local {
		t.Errorf("another database's answer is gone: from %v", res.Source())
	}
}

// A flaky dialect cannot identify a server while it fails.
type flaky struct {
	dialect.Dialect
	fail *atomic.Bool
}

func (flaky) Embedded() {}

func (d flaky) Load(ctx context.Context, c driver.Conn) (dialect.Catalog, error) {
	return d.Dialect.(dialect.Prober).Load(ctx, c)
}

func (d flaky) Probe(ctx context.Context, c driver.Conn) (dialect.Server, dialect.Session, error) {
	if d.fail.Load() {
		return "", dialect.Session{}, errors.New("canceled")
	}
	return d.Dialect.(dialect.Prober).Probe(ctx, c)
}

// A connection that could not be identified is not cached; the others are.
func TestProbeFailsOnce(t *testing.T) {
	d := flaky{sqlite.Dialect(), new(atomic.Bool)}
	cache := newCache(t, querycache.Config{Dialect: d, DefaultTTL: time.Minute})
	f := &fixture{T: t, cache: cache, dsn: filepath.Join(t.TempDir(), "x.db")}
	f.bare = open(t, "sqlite", f.dsn)
	f.exec(f.bare, schema)
	base, err := modernc.NewConnector(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	f.db = cache.OpenDB(base)
	defer f.db.Close()
	f.warm(other)
	healthy := f.conn()
	f.exec(healthy, "UPDATE other SET n = 1 WHERE false")
	d.fail.Store(true)
	broken := f.conn()
	f.read(broken, other)
	if _, res := f.read(broken, other); res.Reason() != querycache.ReasonProbe {
		t.Errorf("a connection of an unknown server: %q from %v", res.Reason(), res.Source())
	}
	d.fail.Store(false)
	f.read(healthy, other)
	if _, res := f.read(healthy, other); res.Source() != querycache.Local {
		t.Errorf("a healthy connection: %q from %v", res.Reason(), res.Source())
	}
}

// A driver that panics in Commit leaves nothing behind that is never cached again.
func TestPanicInCommit(t *testing.T) {
	f := newFixture(t, nil)
	base, err := modernc.NewConnector(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	d := &panicking{Connector: base}
	cache := newCache(t, querycache.Config{Dialect: sqlite.Dialect(), DefaultTTL: time.Minute, Session: func(context.Context) (string, bool) { return "", true }})
	g := &fixture{T: t, cache: cache, bare: f.bare, dsn: f.dsn, db: cache.OpenDB(d)}
	defer g.db.Close()
	g.warm(other)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		tx, err := g.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		g.exec(tx, "UPDATE other SET n = 41")
		d.now.Store(true)
		tx.Commit()
	}()
	d.now.Store(false)
	g.right(other)
	g.warm(other)
}

// panicking is a connector whose transactions panic after their COMMIT.
type panicking struct {
	driver.Connector
	now atomic.Bool
}

func (p *panicking) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return panickingConn{c.(sqliteConn), p}, nil
}

type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.QueryerContext
	driver.ExecerContext
}

type panickingConn struct {
	sqliteConn
	owner *panicking
}

func (c panickingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.sqliteConn.BeginTx(ctx, opts)
	return panickingTx{tx, c.owner}, err
}

type panickingTx struct {
	driver.Tx
	owner *panicking
}

func (t panickingTx) Commit() error {
	err := t.Tx.Commit()
	if t.owner.now.Load() {
		panic("in Commit")
	}
	return err
}
