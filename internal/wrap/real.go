package wrap

import (
	"context"
	"database/sql/driver"
	"slices"
	"sync/atomic"
	"time"
)

// A real is a connection of the wrapped driver and what it can do. It is used
// by whoever took it from the shelf.
type real struct {
	conn driver.Conn
	mark any

	queryer   driver.QueryerContext
	queryer1  driver.Queryer //nolint:staticcheck // drivers of before Go 1.8
	execer    driver.ExecerContext
	execer1   driver.Execer //nolint:staticcheck // drivers of before Go 1.8
	preparer  driver.ConnPrepareContext
	beginner  driver.ConnBeginTx
	resetter  driver.SessionResetter
	validator driver.Validator
	checker   driver.NamedValueChecker

	// fresh: nobody has used it yet, so there is nothing to reset.
	fresh    bool
	opened   time.Time
	returned time.Time // only kept if Limits.MaxIdleTime is set

	// prepared are the statements that live on this connection; they are
	// closed before it, as database/sql does.
	prepared []*prepared
	// retired are statements to close when the connection is next in hand:
	// their owner had no right to use it. Guarded by the shelf's mutex.
	retired []*prepared
}

func newReal(conn driver.Conn) *real {
	r := &real{conn: conn, opened: time.Now()}
	r.queryer, _ = conn.(driver.QueryerContext)
	r.execer, _ = conn.(driver.ExecerContext)
	if r.queryer == nil {
		r.queryer1, _ = conn.(driver.Queryer) //nolint:staticcheck // as above
	}
	if r.execer == nil {
		r.execer1, _ = conn.(driver.Execer) //nolint:staticcheck // as above
	}
	r.preparer, _ = conn.(driver.ConnPrepareContext)
	r.beginner, _ = conn.(driver.ConnBeginTx)
	r.resetter, _ = conn.(driver.SessionResetter)
	r.validator, _ = conn.(driver.Validator)
	r.checker, _ = conn.(driver.NamedValueChecker)
	return r
}

// canQuery and canExec report whether there is a way without a prepared
// statement.
func (r *real) canQuery() bool { return r.queryer != nil || r.queryer1 != nil }
func (r *real) canExec() bool  { return r.execer != nil || r.execer1 != nil }

// survivesRollback is database/sql's keepConnOnRollback: only a connection
// that can be reset and checked is used again after a rollback whose context
// had ended.
func (r *real) survivesRollback() bool { return r.resetter != nil && r.validator != nil }

func (r *real) valid() bool { return r.validator == nil || r.validator.IsValid() }

// prepare follows ctxDriverPrepare of database/sql's ctxutil.go.
func (r *real) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	if r.preparer != nil {
		return r.preparer.PrepareContext(ctx, text)
	}
	stmt, err := r.conn.Prepare(text)
	if err == nil {
		if err := ctx.Err(); err != nil {
			_ = stmt.Close() // the context's error is the one that counts
			return nil, err
		}
	}
	return stmt, err
}

// prepared is a statement of the driver on the connection it belongs to.
type prepared struct {
	stmt driver.Stmt
	on   *real
	// gone is also read by an owner that does not hold the connection.
	gone atomic.Bool
}

func (r *real) adopt(stmt driver.Stmt) *prepared {
	p := &prepared{stmt: stmt, on: r}
	r.prepared = append(r.prepared, p)
	return p
}

// close ends the statement. The caller has the connection in hand.
func (p *prepared) close() error {
	if p.gone.Swap(true) {
		return nil
	}
	if i := slices.Index(p.on.prepared, p); i >= 0 {
		p.on.prepared = slices.Delete(p.on.prepared, i, i+1)
	}
	return p.stmt.Close()
}

// close ends the connection and, before it, its statements.
func (r *real) close() error {
	for _, p := range slices.Clone(r.prepared) {
		_ = p.close() // the connection ends: its Close error is the one that counts
	}
	return r.conn.Close()
}
