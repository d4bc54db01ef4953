package fakedriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"
)

// A Server is the database that the connections of its connectors reach. Make
// it with [New]. It is safe for concurrent use.
//
// Its tables, t and u, have the columns id, v and version; the version of a
// row is 1 and goes up by one with every UPDATE of it. Transactions are READ
// COMMITTED. It understands, comments aside, with V for a literal, ? or @name:
//
//	SELECT * FROM t [WHERE id = V]
//	INSERT INTO t VALUES (V, V) [RETURNING *]
//	UPDATE t SET v = V [WHERE id = V] [RETURNING *]
//	DELETE FROM t [WHERE id = V]
//	BEGIN, COMMIT, ROLLBACK
//	SET tenant = V        state of the session; ResetSession leaves it
//	SELECT tenant         reads it
//	SELECT args(V, …)     a row per argument, as the driver received it
//	SELECT types          a row with a value of every type
//	SELECT rows(n)        n rows
//	SELECT error(n)       n rows, then an error
//	SELECT fail           an error instead of rows
//	SELECT none           columns, but no row
//	SELECT nocols         neither columns nor rows
//	SELECT dup            two columns of one name
//	SELECT sets           two result sets
//	SELECT sleep(name)    waits for [Event.Release] before it answers
//	SELECT hang(name)     a row, then Next waits for Event.Release
//
// The latter may be followed by FROM and a name.
type Server struct {
	mu     sync.Mutex       // guards following
	tables map[string][]Row // what is committed; a list is never modified
	open   map[*conn]struct{}
	nstmts int // statements open
	nrows  int // Rows open
	counts [opEnd]int
	texts  map[string]int
	begins []driver.TxOptions
	events map[string]*Event
	misuse []string
	before [opEnd]fault
	after  [opEnd]fault
	delays [opEnd]time.Duration
	panics [opEnd]int
	// running are in their delay now, most were at the same time.
	running, most [opEnd]int
}

// New returns a server with three rows in t and one in u.
func New() *Server {
	return &Server{
		tables: map[string][]Row{
			"t": {{1, "one", 1}, {2, "two", 1}, {3, nil, 1}},
			"u": {{1, "uno", 1}},
		},
		open:   make(map[*conn]struct{}),
		texts:  make(map[string]int),
		events: make(map[string]*Event),
	}
}

// Connector returns a connector whose connections have the given shape. It is
// an io.Closer if they know contexts.
func (s *Server) Connector(shape Shape) driver.Connector {
	k := &connector{srv: s, shape: shape}
	if shape.Context() {
		return closingConnector{k}
	}
	return k
}

// Open returns the number of connections open.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Table returns what is committed in a table.
func (s *Server) Table(name string) []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tables[name])
}

// Check fails the test if a connection was used against the rules of
// database/sql/driver, and if anything is still open. Call it after DB.Close.
func (s *Server) Check(t testing.TB) {
	t.Helper()
	for _, m := range s.Misuse() {
		t.Errorf("driver misused: %s", m)
	}
	if left := s.LeftOpen(); left != "" {
		t.Error(left)
	}
}

// Misuse returns how the rules of database/sql/driver were broken.
func (s *Server) Misuse() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.misuse)
}

// LeftOpen says what is open, "" if nothing is.
func (s *Server) LeftOpen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 && s.nstmts == 0 && s.nrows == 0 {
		return ""
	}
	return fmt.Sprintf("left open: %d connections, %d statements, %d Rows", len(s.open), s.nstmts, s.nrows)
}

func (s *Server) misused(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misuse = append(s.misuse, fmt.Sprintf(format, args...))
}

var (
	_ driver.Connector = (*connector)(nil)
	_ driver.Driver    = serverDriver{}
	_ io.Closer        = closingConnector{}
)

type connector struct {
	srv   *Server
	shape Shape
}

// Connect implements driver.Connector.
func (k *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := k.srv.sees(OpConnect); err != nil {
		return nil, err
	}
	c := &conn{srv: k.srv, shape: k.shape, stmts: make(map[*stmt]struct{}), rows: make(map[*rows]struct{})}
	k.srv.mu.Lock()
	k.srv.open[c] = struct{}{}
	k.srv.mu.Unlock()
	return k.shape.conn(c), nil
}

// Driver implements driver.Connector.
func (k *connector) Driver() driver.Driver { return serverDriver{k} }

type closingConnector struct{ *connector }

// Close implements io.Closer.
func (k closingConnector) Close() error { return k.srv.sees(OpCloseConnector) }

// serverDriver is a driver without OpenConnector; every data source name
// leads to the same server.
type serverDriver struct{ *connector }

// Open implements driver.Driver.
func (d serverDriver) Open(string) (driver.Conn, error) {
	return d.Connect(context.Background())
}
