package fakedriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
)

var (
	_ driver.Conn               = minimalConn{}
	_ driver.ConnPrepareContext = contextConn{}
	_ driver.ConnBeginTx        = contextConn{}
	_ driver.Pinger             = contextConn{}
	_ driver.QueryerContext     = queryer{}
	_ driver.ExecerContext      = queryer{}
	_ driver.Queryer            = legacyQueryer{}
	_ driver.Execer             = legacyQueryer{}
	_ driver.SessionResetter    = resetter{}
	_ driver.Validator          = validator{}
)

// conn is a connection, whatever its shape.
type conn struct {
	srv   *Server
	shape Shape
	// busy is set while a method runs; the following belong to that one.
	busy   atomic.Bool
	closed bool
	tx     *tx // open, by Begin or by BEGIN
	tenant string
	stmts  map[*stmt]struct{}
	rows   map[*rows]struct{}
}

var errMisused = errors.New("fakedriver: the driver is misused")

// use notes that a method of the connection, or of what belongs to it, runs.
func (c *conn) use(what string) (done func(), err error) {
	if !c.busy.CompareAndSwap(false, true) {
		c.srv.misused("%s on a connection that is in use", what)
		return nil, errMisused
	}
	if c.closed {
		c.busy.Store(false)
		c.srv.misused("%s on a closed connection", what)
		return nil, errMisused
	}
	return func() { c.busy.Store(false) }, nil
}

func (c *conn) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	done, err := c.use("Prepare")
	if err != nil {
		return nil, err
	}
	defer done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.srv.sees(OpPrepare); err != nil {
		return nil, err
	}
	parsed, err := parse(text)
	if err != nil {
		return nil, err
	}
	st := &stmt{conn: c, text: text, parsed: parsed}
	c.stmts[st] = struct{}{}
	c.srv.mu.Lock()
	c.srv.nstmts++
	c.srv.mu.Unlock()
	return c.shape.stmt(st), nil
}

// run runs a statement; parsed is nil if it was not prepared.
func (c *conn) run(ctx context.Context, op Op, text string, parsed *statement, args []driver.NamedValue) (*result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.srv.seesStatement(op, text); err != nil {
		return nil, err
	}
	if parsed == nil {
		var err error
		if parsed, err = parse(text); err != nil {
			return nil, err
		}
	}
	res, err := c.execute(ctx, parsed, args)
	if err != nil {
		return nil, err
	}
	if err := c.srv.did(op); err != nil {
		return nil, err
	}
	return res, nil
}

func (c *conn) query(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	done, err := c.use("Query")
	if err != nil {
		return nil, err
	}
	defer done()
	res, err := c.run(ctx, OpQuery, text, nil, args)
	if err != nil {
		return nil, err
	}
	return c.answer(ctx, res), nil
}

func (c *conn) exec(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	done, err := c.use("Exec")
	if err != nil {
		return nil, err
	}
	defer done()
	res, err := c.run(ctx, OpExec, text, nil, args)
	if err != nil {
		return nil, err
	}
	return res, nil
}

// minimalConn is what every driver has.
type minimalConn struct{ c *conn }

// Prepare implements driver.Conn.
func (m minimalConn) Prepare(text string) (driver.Stmt, error) {
	return m.c.prepare(context.Background(), text)
}

// Close implements driver.Conn. An open transaction is rolled back.
func (m minimalConn) Close() error {
	c := m.c
	done, err := c.use("Close")
	if err != nil {
		return err
	}
	defer done()
	c.closed = true
	if len(c.stmts) > 0 {
		c.srv.misused("Close of a connection with %d statements open", len(c.stmts))
	}
	if len(c.rows) > 0 {
		c.srv.misused("Close of a connection with %d Rows open", len(c.rows))
	}
	c.srv.mu.Lock()
	delete(c.srv.open, c)
	c.srv.mu.Unlock()
	return c.srv.sees(OpClose)
}

// Begin implements driver.Conn.
func (m minimalConn) Begin() (driver.Tx, error) {
	return m.c.begin(context.Background(), driver.TxOptions{})
}

// contextConn knows contexts. Its embedded methods without one are not called
// by database/sql, nor may they be by a layer in between: real drivers answer
// that they are not implemented.
type contextConn struct{ minimalConn }

// Prepare implements driver.Conn.
func (x contextConn) Prepare(text string) (driver.Stmt, error) {
	x.c.srv.misused("Prepare called, although there is PrepareContext")
	return x.minimalConn.Prepare(text)
}

// Begin implements driver.Conn.
func (x contextConn) Begin() (driver.Tx, error) {
	x.c.srv.misused("Begin called, although there is BeginTx")
	return x.minimalConn.Begin()
}

// PrepareContext implements driver.ConnPrepareContext.
func (x contextConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	return x.c.prepare(ctx, text)
}

// BeginTx implements driver.ConnBeginTx.
func (x contextConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return x.c.begin(ctx, opts)
}

// Ping implements driver.Pinger.
func (x contextConn) Ping(ctx context.Context) error {
	done, err := x.c.use("Ping")
	if err != nil {
		return err
	}
	defer done()
	if err := ctx.Err(); err != nil {
		return err
	}
	return x.c.srv.sees(OpPing)
}

// queryer runs statements without preparing them.
type queryer struct{ c *conn }

// QueryContext implements driver.QueryerContext.
func (q queryer) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return q.c.query(ctx, text, args)
}

// ExecContext implements driver.ExecerContext.
func (q queryer) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return q.c.exec(ctx, text, args)
}

// skipQueryer wants statements with arguments prepared.
type skipQueryer struct{ queryer }

// QueryContext implements driver.QueryerContext.
func (q skipQueryer) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) > 0 {
		return nil, driver.ErrSkip
	}
	return q.queryer.QueryContext(ctx, text, args)
}

// ExecContext implements driver.ExecerContext.
func (q skipQueryer) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) > 0 {
		return nil, driver.ErrSkip
	}
	return q.queryer.ExecContext(ctx, text, args)
}

// legacyQueryer is queryer without context.
type legacyQueryer struct{ c *conn }

// Query implements driver.Queryer.
func (q legacyQueryer) Query(text string, args []driver.Value) (driver.Rows, error) {
	return q.c.query(context.Background(), text, ordinal(args))
}

// Exec implements driver.Execer.
func (q legacyQueryer) Exec(text string, args []driver.Value) (driver.Result, error) {
	return q.c.exec(context.Background(), text, ordinal(args))
}

type resetter struct{ c *conn }

// ResetSession implements driver.SessionResetter.
func (r resetter) ResetSession(context.Context) error {
	done, err := r.c.use("ResetSession")
	if err != nil {
		return err
	}
	defer done()
	return r.c.srv.sees(OpReset)
}

type validator struct{ c *conn }

// IsValid implements driver.Validator.
func (v validator) IsValid() bool {
	done, err := v.c.use("IsValid")
	if err != nil {
		return false
	}
	defer done()
	return v.c.srv.sees(OpValid) == nil
}

func ordinal(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}
