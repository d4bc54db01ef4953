package fakedriver

import (
	"context"
	"database/sql/driver"
)

var (
	_ driver.Stmt             = minimalStmt{}
	_ driver.StmtQueryContext = contextStmt{}
	_ driver.StmtExecContext  = contextStmt{}
)

// stmt is a prepared statement, whatever its shape.
type stmt struct {
	conn   *conn
	text   string
	parsed *statement
	closed bool // belongs to whoever uses the connection
}

func (s *stmt) use(what string) (done func(), err error) {
	done, err = s.conn.use("Stmt." + what)
	if err == nil && s.closed {
		done()
		s.conn.srv.misused("Stmt.%s on a closed statement", what)
		return nil, errMisused
	}
	return done, err
}

func (s *stmt) query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	done, err := s.use("Query")
	if err != nil {
		return nil, err
	}
	defer done()
	res, err := s.conn.run(ctx, OpQuery, s.text, s.parsed, args)
	if err != nil {
		return nil, err
	}
	return s.conn.answer(ctx, res), nil
}

func (s *stmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	done, err := s.use("Exec")
	if err != nil {
		return nil, err
	}
	defer done()
	res, err := s.conn.run(ctx, OpExec, s.text, s.parsed, args)
	if err != nil {
		return nil, err
	}
	return res, nil
}

// minimalStmt is what every driver has.
type minimalStmt struct{ s *stmt }

// Close implements driver.Stmt.
func (m minimalStmt) Close() error {
	done, err := m.s.use("Close")
	if err != nil {
		return err
	}
	defer done()
	m.s.closed = true
	c := m.s.conn
	delete(c.stmts, m.s)
	c.srv.mu.Lock()
	c.srv.nstmts--
	c.srv.mu.Unlock()
	return c.srv.sees(OpCloseStmt)
}

// NumInput implements driver.Stmt.
func (m minimalStmt) NumInput() int {
	if m.s.conn.shape == NoReset {
		return -1
	}
	return m.s.parsed.inputs
}

// Query implements driver.Stmt.
func (m minimalStmt) Query(args []driver.Value) (driver.Rows, error) {
	return m.s.query(context.Background(), ordinal(args))
}

// Exec implements driver.Stmt.
func (m minimalStmt) Exec(args []driver.Value) (driver.Result, error) {
	return m.s.exec(context.Background(), ordinal(args))
}

// contextStmt knows contexts; see contextConn for the methods without one.
type contextStmt struct{ minimalStmt }

// Query implements driver.Stmt.
func (x contextStmt) Query(args []driver.Value) (driver.Rows, error) {
	x.s.conn.srv.misused("Stmt.Query called, although there is QueryContext")
	return x.minimalStmt.Query(args)
}

// Exec implements driver.Stmt.
func (x contextStmt) Exec(args []driver.Value) (driver.Result, error) {
	x.s.conn.srv.misused("Stmt.Exec called, although there is ExecContext")
	return x.minimalStmt.Exec(args)
}

// QueryContext implements driver.StmtQueryContext.
func (x contextStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return x.s.query(ctx, args)
}

// ExecContext implements driver.StmtExecContext.
func (x contextStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return x.s.exec(ctx, args)
}
