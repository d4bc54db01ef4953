package fakedriver

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

var _ driver.Tx = (*tx)(nil)

// tx is a transaction. What it has written is kept as operations: it sees them
// applied to what is committed at the moment, which is READ COMMITTED.
type tx struct {
	conn     *conn
	readOnly bool
	ops      []op
}

func (c *conn) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	done, err := c.use("Begin")
	if err != nil {
		return nil, err
	}
	defer done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.srv.mu.Lock()
	c.srv.begins = append(c.srv.begins, opts)
	c.srv.mu.Unlock()
	if err := c.srv.sees(OpBegin); err != nil {
		return nil, err
	}
	switch level := sql.IsolationLevel(opts.Isolation); level {
	case sql.LevelDefault, sql.LevelReadCommitted:
	default:
		return nil, &Error{"isolation level " + level.String() + " is not supported"}
	}
	if err := c.start(opts.ReadOnly); err != nil {
		return nil, err
	}
	return c.tx, nil
}

func (c *conn) start(readOnly bool) error {
	if c.tx != nil {
		return &Error{"there is already a transaction in progress"}
	}
	c.tx = &tx{conn: c, readOnly: readOnly}
	return nil
}

// finish ends the transaction, by method or by text.
func (c *conn) finish(commit bool) error {
	t := c.tx
	if t == nil {
		return &Error{"there is no transaction in progress"}
	}
	c.tx = nil
	if !commit {
		return nil
	}
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	for _, o := range t.ops {
		// An operation that others' commits have made impossible is lost.
		if after, _, err := o.apply(c.srv.tables[o.table]); err == nil {
			c.srv.tables[o.table] = after
		}
	}
	return nil
}

// Commit implements driver.Tx. One that is told to fail rolls back, as servers
// do.
func (t *tx) Commit() error {
	done, err := t.conn.use("Commit")
	if err != nil {
		return err
	}
	defer done()
	if err := t.conn.srv.sees(OpCommit); err != nil {
		t.conn.tx = nil
		return err
	}
	if err := t.conn.finish(true); err != nil {
		return err
	}
	return t.conn.srv.did(OpCommit)
}

// Rollback implements driver.Tx.
func (t *tx) Rollback() error {
	done, err := t.conn.use("Rollback")
	if err != nil {
		return err
	}
	defer done()
	if err := t.conn.srv.sees(OpRollback); err != nil {
		t.conn.tx = nil
		return err
	}
	return t.conn.finish(false)
}
