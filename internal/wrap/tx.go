package wrap

import (
	"context"
	"database/sql/driver"
	"errors"
)

var _ driver.Tx = (*tx)(nil)

type tx struct {
	conn *Conn
	base driver.Tx
	// ctx is the one that database/sql gave to BeginTx: when it ends,
	// database/sql rolls back by itself and, on a bare connection that
	// cannot be reset, closes it.
	ctx context.Context
}

// BeginTx implements driver.ConnBeginTx.
func (c *Conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	r, err := c.adopt(ctx)
	if err != nil {
		return nil, err
	}
	t := &tx{conn: c, ctx: ctx}
	err = c.session.Begin(ctx, func() error {
		t.base, err = r.begin(ctx, opts)
		return err
	})
	if err != nil {
		return nil, c.noted(err)
	}
	return t, nil
}

// Commit implements driver.Tx.
func (t *tx) Commit() error { return t.conn.noted(t.conn.session.Commit(t.base.Commit)) }

// Rollback implements driver.Tx.
func (t *tx) Rollback() error {
	err := t.conn.noted(t.conn.session.Rollback(t.base.Rollback))
	if r := t.conn.real; r != nil && t.ctx.Err() != nil && !r.survivesRollback() {
		t.conn.discard = true
	}
	return err
}

// begin follows ctxDriverBegin of database/sql's ctxutil.go.
func (r *real) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if r.beginner != nil {
		return r.beginner.BeginTx(ctx, opts)
	}
	if opts.Isolation != 0 {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	t, err := r.conn.Begin() //nolint:staticcheck // all that this driver has
	if err == nil {
		if err := ctx.Err(); err != nil {
			_ = t.Rollback() // the context's error is the one that counts
			return nil, err
		}
	}
	return t, err
}
