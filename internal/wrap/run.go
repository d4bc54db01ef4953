package wrap

import (
	"context"
	"database/sql/driver"
	"slices"
)

// RunQuery sends a query to the database, as database/sql would have done on
// the bare driver: with stmt nil the answer may be driver.ErrSkip. It converts
// args in place.
func (c *Conn) RunQuery(ctx context.Context, stmt *Stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	if stmt != nil {
		if err := stmt.prepare(ctx); err != nil {
			return nil, err
		}
		rows, err := c.real.stmtQuery(ctx, stmt.base.stmt, args)
		return rows, c.noted(err)
	}
	r, err := c.adopt(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := r.query(ctx, text, args)
	return rows, c.noted(err)
}

// RunExec is RunQuery for statements without rows.
func (c *Conn) RunExec(ctx context.Context, stmt *Stmt, text string, args []driver.NamedValue) (driver.Result, error) {
	if stmt != nil {
		if err := stmt.prepare(ctx); err != nil {
			return nil, err
		}
		res, err := c.real.stmtExec(ctx, stmt.base.stmt, args)
		return res, c.noted(err)
	}
	r, err := c.adopt(ctx)
	if err != nil {
		return nil, err
	}
	res, err := r.exec(ctx, text, args)
	return res, c.noted(err)
}

// Load is RunQuery for an answer that is wanted in one go: where the driver
// has no short way it prepares a statement for it. The caller calls done when
// the rows are closed, and leaves args as they are.
func (c *Conn) Load(ctx context.Context, stmt *Stmt, text string, args []driver.NamedValue) (rows driver.Rows, done func(), err error) {
	args = slices.Clone(args)
	if stmt != nil {
		rows, err = c.RunQuery(ctx, stmt, text, args)
		return rows, func() {}, err
	}
	// The conversion for the short way must not be seen by the long one.
	rows, err = c.RunQuery(ctx, nil, text, slices.Clone(args))
	if err != driver.ErrSkip { //nolint:errorlint // database/sql compares it so
		return rows, func() {}, err
	}
	own := &Stmt{conn: c, text: text}
	if err := own.prepare(ctx); err != nil {
		return nil, nil, err
	}
	rows, err = c.real.stmtQuery(ctx, own.base.stmt, args)
	if err != nil {
		_ = own.Close() // the query's error is the one that counts
		return nil, nil, c.noted(err)
	}
	return rows, func() { _ = own.Close() }, nil
}

// query follows queryDC and ctxDriverQuery of database/sql.
func (r *real) query(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if !r.canQuery() {
		return nil, driver.ErrSkip
	}
	args, err := convert(r.checker, nil, args)
	if err != nil {
		return nil, err
	}
	if r.queryer != nil {
		return r.queryer.QueryContext(ctx, text, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return r.queryer1.Query(text, values)
}

// exec follows execDC and ctxDriverExec of database/sql.
func (r *real) exec(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if !r.canExec() {
		return nil, driver.ErrSkip
	}
	args, err := convert(r.checker, nil, args)
	if err != nil {
		return nil, err
	}
	if r.execer != nil {
		return r.execer.ExecContext(ctx, text, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return r.execer1.Exec(text, values)
}

// stmtQuery follows rowsiFromStatement and ctxDriverStmtQuery of database/sql.
func (r *real) stmtQuery(ctx context.Context, stmt driver.Stmt, args []driver.NamedValue) (driver.Rows, error) {
	args, err := convert(r.checker, stmt, args)
	if err != nil {
		return nil, err
	}
	if q, ok := stmt.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return stmt.Query(values) //nolint:staticcheck // all that this driver has
}

// stmtExec follows resultFromStatement and ctxDriverStmtExec of database/sql.
func (r *real) stmtExec(ctx context.Context, stmt driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	args, err := convert(r.checker, stmt, args)
	if err != nil {
		return nil, err
	}
	if x, ok := stmt.(driver.StmtExecContext); ok {
		return x.ExecContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return stmt.Exec(values) //nolint:staticcheck // all that this driver has
}
