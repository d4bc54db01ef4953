package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/fakedriver"
)

// A play is one performance of a scenario.
type play struct {
	*testing.T
	db    *sql.DB
	srv   *fakedriver.Server
	shape fakedriver.Shape
	lines []string
}

func (p *play) say(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// errTest is the error of a driver: callers get this very value.
var errTest = &fakedriver.Error{Text: "told to fail"}

var address = regexp.MustCompile("0x[0-9a-f]{6,}")

// err notes all that a caller can find out about an error.
func (p *play) err(what string, err error) {
	if err == nil {
		p.say("%s: ok", what)
		return
	}
	// Errors of database/sql show the address of a pointer.
	line := fmt.Sprintf("%s: %T %s", what, err, address.ReplaceAllString(strconv.Quote(err.Error()), "0x…"))
	for _, known := range []struct {
		name string
		err  error
	}{
		{"ErrBadConn", driver.ErrBadConn}, {"ErrSkip", driver.ErrSkip}, {"ErrRemoveArgument", driver.ErrRemoveArgument},
		{"ErrConnDone", sql.ErrConnDone}, {"ErrTxDone", sql.ErrTxDone}, {"ErrNoRows", sql.ErrNoRows},
		{"Canceled", context.Canceled}, {"DeadlineExceeded", context.DeadlineExceeded},
		{"EOF", io.EOF}, {"errTest", errTest}, {"errValuer", errValuer},
	} {
		switch {
		case err == known.err:
			line += " == " + known.name
		case errors.Is(err, known.err):
			line += " is " + known.name
		}
	}
	p.lines = append(p.lines, line)
}

// Who takes statements: a DB, a Conn or a Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func (p *play) query(q querier, text string, args ...any) {
	p.Helper()
	p.queryContext(ctx, q, text, args...)
}

func (p *play) queryContext(ctx context.Context, q querier, text string, args ...any) {
	p.Helper()
	rows, err := q.QueryContext(ctx, text, args...)
	p.rows(text, rows, err)
}

func (p *play) exec(q querier, text string, args ...any) {
	p.execContext(ctx, q, text, args...)
}

func (p *play) execContext(ctx context.Context, q querier, text string, args ...any) {
	res, err := q.ExecContext(ctx, text, args...)
	p.result(text, res, err)
}

func (p *play) result(what string, res sql.Result, err error) {
	p.err(what, err)
	if err != nil {
		return
	}
	id, err := res.LastInsertId()
	p.err(fmt.Sprintf("  last id %d", id), err)
	n, err := res.RowsAffected()
	p.err(fmt.Sprintf("  rows affected %d", n), err)
}

// rows reads Rows with all their result sets to the end.
func (p *play) rows(what string, rows *sql.Rows, err error) {
	p.Helper()
	p.err(what, err)
	if err != nil {
		return
	}
	for {
		columns, err := rows.Columns()
		p.err(fmt.Sprintf("  columns %q", columns), err)
		for rows.Next() {
			p.row(rows)
		}
		p.err("  end", rows.Err())
		if !rows.NextResultSet() {
			break
		}
		p.say("  next result set")
	}
	p.err("  at last", rows.Err())
	p.err("  close", rows.Close())
}

// row notes the current row, with types.
func (p *play) row(rows *sql.Rows) {
	columns, _ := rows.Columns()
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	if err := rows.Scan(values...); err != nil {
		p.err("  scan", err)
		return
	}
	line := "  row"
	for _, v := range values {
		line += " " + show(*v.(*any))
	}
	p.say("%s", line)
}

// show makes every difference between two values visible.
func show(v any) string {
	if at, ok := v.(time.Time); ok {
		return fmt.Sprintf("time(%s %v)", at.Format(time.RFC3339Nano), at.Location())
	}
	return fmt.Sprintf("%T(%#v)", v, v)
}

// count notes how often the database was asked for something.
func (p *play) count(name string, op fakedriver.Op) { p.say("%s: %d", name, p.srv.Count(op)) }

// table notes what is committed.
func (p *play) table() { p.say("table: %v", p.srv.Table("t")) }

// try notes a panic instead of passing it on.
func (p *play) try(what string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			p.say("%s: panic %v", what, r)
		}
	}()
	f()
}

// begin is for where a transaction must begin.
func (p *play) begin() *sql.Tx {
	p.Helper()
	tx, err := p.db.Begin()
	if err != nil {
		p.Fatal(err)
	}
	return tx
}

// conn is for where there must be a connection.
func (p *play) conn() *sql.Conn {
	p.Helper()
	c, err := p.db.Conn(ctx)
	if err != nil {
		p.Fatal(err)
	}
	return c
}
