package wrap

import (
	"context"
	"database/sql/driver"
	"errors"
)

var (
	_ driver.Conn               = (*Conn)(nil)
	_ driver.ConnPrepareContext = (*Conn)(nil)
	_ driver.ConnBeginTx        = (*Conn)(nil)
	_ driver.QueryerContext     = (*Conn)(nil)
	_ driver.ExecerContext      = (*Conn)(nil)
	_ driver.NamedValueChecker  = (*Conn)(nil)
	_ driver.Pinger             = (*Conn)(nil)
	_ driver.SessionResetter    = (*Conn)(nil)
	_ driver.Validator          = (*Conn)(nil)
)

// A Conn is a virtual connection. Like every driver.Conn it is used by one
// goroutine at a time.
type Conn struct {
	connector *Connector
	session   Session

	// real is the connection adopted, nil while none is needed.
	real *real
	// last is the one held before; its prepared statements may be ours.
	last *real
	// reset: database/sql asked for a reset of the session, which waits
	// until the connection is used.
	reset bool
	// counted: a token of the shelf is held for real.
	counted bool
	// discard: real must not be used after this checkout.
	discard bool
}

// Session returns what Owner.NewSession made for this connection.
func (c *Conn) Session() Session { return c.session }

// Connector returns the connector that made the connection.
func (c *Conn) Connector() *Connector { return c.connector }

// QueryContext implements driver.QueryerContext.
func (c *Conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return c.session.Query(ctx, nil, text, args)
}

// ExecContext implements driver.ExecerContext.
func (c *Conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return c.session.Exec(ctx, nil, text, args)
}

// CheckNamedValue implements driver.NamedValueChecker. It accepts everything:
// only the real connection knows, and an answer from memory needs none.
func (c *Conn) CheckNamedValue(*driver.NamedValue) error { return nil }

// Prepare implements driver.Conn.
func (c *Conn) Prepare(text string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), text)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *Conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if c.connector.proven.has(text) && c.session.Deferrable(text) {
		return &Stmt{conn: c, text: text}, ctx.Err()
	}
	s := &Stmt{conn: c, text: text}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Begin implements driver.Conn.
func (c *Conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// Ping implements driver.Pinger. Where the driver has none, a connection is
// all that database/sql asks for, which a context that has ended does not hinder.
func (c *Conn) Ping(ctx context.Context) error {
	if c.connector.pingless.Load() && ctx.Err() != nil {
		return nil
	}
	r, err := c.adopt(ctx)
	if err != nil {
		return err
	}
	if p, ok := r.conn.(driver.Pinger); ok {
		return c.noted(p.Ping(ctx))
	}
	return nil
}

// ResetSession implements driver.SessionResetter. The real connection, if one
// stayed here, is reset when it is next used: an answer from memory must not
// wait for a round trip.
func (c *Conn) ResetSession(context.Context) error {
	c.reset = c.real != nil
	return nil
}

// IsValid implements driver.Validator. database/sql calls it whenever it takes
// the connection back, so this is where the real one goes to the shelf.
func (c *Conn) IsValid() bool {
	keep := c.session.Returned()
	r := c.real
	if r == nil {
		return true
	}
	if c.discard || !r.valid() {
		c.drop()
		// With what the session held gone, the bare connection would be
		// gone too.
		return !keep
	}
	if keep {
		c.uncount()
		return true
	}
	c.last, c.real = r, nil
	c.connector.shelf.put(r)
	c.uncount()
	return true
}

// Close implements driver.Conn.
func (c *Conn) Close() error {
	var err error
	if r := c.real; r != nil {
		c.real = nil
		err = r.close()
		c.connector.shelf.forget()
		c.uncount()
		c.session.Lost()
	}
	c.last = nil
	c.connector.shelf.leave()
	return err
}

// Raw returns the connection of the wrapped driver, adopting one if need be,
// or nil if none can be had. The session is told that it was handed out. The
// name is the one that other wrappers of drivers use.
func (c *Conn) Raw() driver.Conn {
	base, err := c.Base(context.Background())
	if err != nil {
		return nil
	}
	c.session.Exposed()
	return base
}

// Unwrap is Raw under the name that errors and other wrappers use.
func (c *Conn) Unwrap() driver.Conn { return c.Raw() }

// Base returns the connection of the wrapped driver, adopting one if need be,
// without telling the session.
func (c *Conn) Base(ctx context.Context) (driver.Conn, error) {
	r, err := c.adopt(ctx)
	if err != nil {
		return nil, err
	}
	return r.conn, nil
}

// Held returns the connection of the wrapped driver that is held now, nil if
// none is. It must not be used to send anything.
func (c *Conn) Held() driver.Conn {
	if c.real == nil {
		return nil
	}
	return c.real.conn
}

// Mark returns what Owner.Dialed said of the real connection held now, nil if
// none is held.
func (c *Conn) Mark() any {
	if c.real == nil {
		return nil
	}
	return c.real.mark
}

// SetMark changes what Mark returns for the real connection held now.
func (c *Conn) SetMark(mark any) { c.real.mark = mark }

// Discard closes the real connection held now, instead of keeping it, when
// database/sql takes the virtual one back.
func (c *Conn) Discard() { c.discard = true }

// Healthy reports whether the real connection held now says that it can still
// be used; true if none is held.
func (c *Conn) Healthy() bool { return c.real == nil || c.real.valid() }

// adopt returns the real connection for a statement: the one held in this
// checkout, one from the shelf, or a new one.
func (c *Conn) adopt(ctx context.Context) (*real, error) {
	s := c.connector.shelf
	if r := c.real; r != nil {
		if c.reset {
			c.reset = false
			if err := resetSession(ctx, r); err != nil {
				c.drop()
				return nil, err // nothing was sent: database/sql tries another
			}
			// It was not counted while it lay here idle. To wait now
			// could deadlock with those who wait for it.
			c.counted = c.tryCount()
		}
		return r, nil
	}
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	c.counted = true
	if err := c.take(ctx); err != nil {
		c.uncount()
		return nil, err
	}
	return c.real, nil
}

// take holds an idle connection of the shelf, or one that it dials. The
// caller counts as one who uses one.
func (c *Conn) take(ctx context.Context) error {
	s := c.connector.shelf
	for {
		r := s.take(c.last)
		if r == nil {
			var err error
			if r, err = c.connector.dial(ctx); err != nil {
				return err
			}
		} else if !r.fresh && resetSession(ctx, r) != nil {
			s.discard(r) // nothing was sent, nothing surfaces: try the next
			continue
		}
		r.fresh = false
		c.real, c.last = r, nil
		c.discard, c.reset = false, false
		return nil
	}
}

// resetSession returns only driver.ErrBadConn: database/sql ignores other
// errors of a reset.
func resetSession(ctx context.Context, r *real) error {
	if r.resetter == nil {
		return nil
	}
	if err := r.resetter.ResetSession(ctx); errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return nil
}

// drop closes the real connection at the end of its use here.
func (c *Conn) drop() {
	r := c.real
	c.real, c.last = nil, nil
	c.connector.shelf.discard(r)
	c.uncount()
	c.session.Lost()
}

func (c *Conn) tryCount() bool {
	if t := c.connector.shelf.tokens; t != nil {
		select {
		case t <- struct{}{}:
		default:
			return false
		}
	}
	return true
}

func (c *Conn) uncount() {
	if c.counted {
		c.counted = false
		c.connector.shelf.release()
	}
}

// noted returns err. If it says that the connection is broken, the others on
// the shelf are closed: see shelf.drain.
func (c *Conn) noted(err error) error {
	if err != nil && errors.Is(err, driver.ErrBadConn) {
		c.connector.shelf.drain()
	}
	return err
}
