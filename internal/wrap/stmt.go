package wrap

import (
	"context"
	"database/sql/driver"
)

var (
	_ driver.Stmt              = (*Stmt)(nil)
	_ driver.StmtQueryContext  = (*Stmt)(nil)
	_ driver.StmtExecContext   = (*Stmt)(nil)
	_ driver.NamedValueChecker = (*Stmt)(nil)
)

// A Stmt is a prepared statement of a virtual connection. It is prepared
// again on each real connection that has to run it.
type Stmt struct {
	conn *Conn
	text string
	base *prepared
}

// prepare makes sure that the statement exists on the connection's real one.
func (s *Stmt) prepare(ctx context.Context) error {
	c := s.conn
	r, err := c.adopt(ctx)
	if err != nil {
		return err
	}
	if s.base != nil {
		if s.base.on == r && !s.base.gone.Load() {
			return nil
		}
		_ = c.connector.shelf.retire(s.base) // on another connection, for nobody
		s.base = nil
	}
	var stmt driver.Stmt
	err = c.session.Prepare(ctx, s.text, func() (err error) {
		stmt, err = r.prepare(ctx, s.text)
		return err
	})
	if err != nil {
		return c.noted(err)
	}
	s.base = r.adopt(stmt)
	c.connector.proven.add(s.text)
	return nil
}

// Close implements driver.Stmt. It never dials.
func (s *Stmt) Close() error {
	p := s.base
	s.base = nil
	switch {
	case p == nil || p.gone.Load():
		return nil
	case p.on == s.conn.real:
		return p.close()
	}
	return s.conn.connector.shelf.retire(p)
}

// NumInput implements driver.Stmt. database/sql is not to count the arguments
// before the driver's checks have run, which may fail first or remove some:
// see convert.
func (s *Stmt) NumInput() int { return -1 }

// CheckNamedValue implements driver.NamedValueChecker: see
// [Conn.CheckNamedValue].
func (s *Stmt) CheckNamedValue(*driver.NamedValue) error { return nil }

// QueryContext implements driver.StmtQueryContext.
func (s *Stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.session.Query(ctx, s, s.text, args)
}

// ExecContext implements driver.StmtExecContext.
func (s *Stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.session.Exec(ctx, s, s.text, args)
}

// Query implements driver.Stmt. database/sql prefers QueryContext.
func (s *Stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

// Exec implements driver.Stmt. database/sql prefers ExecContext.
func (s *Stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}
