package wrap_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"
	"testing"

	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/internal/wrap"
)

// through is an owner that passes everything on, and answers the text "memory"
// without a connection.
type through struct {
	keep   bool
	closed atomic.Int64
}

func (*through) Dialed(context.Context, driver.Conn) any { return nil }
func (o *through) NewSession(c *wrap.Conn) wrap.Session  { return &session{o, c} }
func (o *through) Closed()                               { o.closed.Add(1) }

type session struct {
	owner *through
	conn  *wrap.Conn
}

const memory = "SELECT none"

func (s *session) Query(ctx context.Context, stmt *wrap.Stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	if text == memory {
		return noRows{}, nil
	}
	return s.conn.RunQuery(ctx, stmt, text, args)
}

func (s *session) Exec(ctx context.Context, stmt *wrap.Stmt, text string, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.RunExec(ctx, stmt, text, args)
}

func (s *session) Prepare(_ context.Context, _ string, prepare func() error) error { return prepare() }
func (s *session) Deferrable(string) bool                                          { return true }
func (s *session) Begin(_ context.Context, begin func() error) error               { return begin() }
func (s *session) Commit(commit func() error) error                                { return commit() }
func (s *session) Rollback(rollback func() error) error                            { return rollback() }
func (s *session) Returned() bool                                                  { return s.owner.keep }
func (s *session) Exposed()                                                        {}
func (s *session) Lost()                                                           {}

type noRows struct{}

func (noRows) Columns() []string         { return nil }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return sql.ErrNoRows }

// A pool is a database over real connections that the test can look at.
type pool struct {
	*testing.T
	*sql.DB
	srv   *fakedriver.Server
	conns *wrap.Connector
	owner *through
}

func newPool(t *testing.T, limits wrap.Limits) *pool {
	p := &pool{T: t, srv: fakedriver.New(), owner: &through{}}
	base := p.srv.Connector(fakedriver.Full)
	p.conns = wrap.New(base, base.Driver(), p.owner, limits)
	p.DB = sql.OpenDB(p.conns)
	p.SetMaxIdleConns(100)
	t.Cleanup(func() {
		p.Close()
		p.srv.Check(t)
		if st := p.conns.Stats(); st.Open != 0 || st.Idle != 0 {
			t.Errorf("%+v after Close, want nothing open", st)
		}
	})
	return p
}

// hold takes n connections and uses them; the result gives them back.
func (p *pool) hold(n int) (release func()) {
	p.Helper()
	var held []*sql.Tx
	for range n {
		tx, err := p.Begin()
		if err != nil {
			p.Fatal(err)
		}
		held = append(held, tx)
	}
	return func() {
		for _, tx := range held {
			if err := tx.Rollback(); err != nil {
				p.Error(err)
			}
		}
	}
}

func (p *pool) run(q interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}) {
	p.Helper()
	if _, err := q.ExecContext(context.Background(), "SELECT * FROM t"); err != nil {
		p.Fatal(err)
	}
}

func (p *pool) want(what string, open, idle int, dials int64) {
	p.Helper()
	if st := p.conns.Stats(); st.Open != open || st.Idle != idle || st.Dials != dials || p.srv.Open() != open {
		p.Errorf("%s: %+v and %d open at the server, want %d open, %d idle, %d dials", what, st, p.srv.Open(), open, idle, dials)
	}
}
