package bench

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"
	"testing"
	"time"
)

// A gate is a driver that counts the queries which hold a word, and lets none of
// them through before as many have come as are expected, or nobody has for a
// while. So those who would all ask the database do so, however slowly the
// machine runs them.
type gate struct {
	driver.Driver
	word string
	want int

	mu   sync.Mutex // guards came
	came int
	all  chan struct{} // closed when want have come
}

func newGate(base driver.Driver, word string, want int) *gate {
	return &gate{Driver: base, word: word, want: want, all: make(chan struct{})}
}

// patience is what one waits for others who may not come.
const patience = time.Second

func (g *gate) pass(query string) {
	if !strings.Contains(query, g.word) {
		return
	}
	g.mu.Lock()
	g.came++
	if g.came == g.want {
		close(g.all)
	}
	g.mu.Unlock()
	select {
	case <-g.all:
	case <-time.After(patience):
	}
}

func (g *gate) queries() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.came
}

func (g *gate) Open(dsn string) (driver.Conn, error) {
	conn, err := g.Driver.Open(dsn)
	if err != nil {
		return nil, err
	}
	return gatedConn{conn.(sqliteConn), g}, nil
}

// sqliteConn is what database/sql uses of a connection of modernc.org/sqlite.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type gatedConn struct {
	sqliteConn
	gate *gate
}

func (c gatedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.gate.pass(query)
	return c.sqliteConn.QueryContext(ctx, query, args)
}

func TestGate(t *testing.T) {
	g := newGate(sqliteDriver(t), "goods", 2)
	done := make(chan struct{})
	for range 2 {
		go func() { g.pass("SELECT * FROM goods"); done <- struct{}{} }()
	}
	g.pass("SELECT * FROM other")
	<-done
	<-done
	if n := g.queries(); n != 2 {
		t.Errorf("queries: %d, want 2", n)
	}
}
