package fakedriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"time"
)

var (
	_ driver.Connector                      = (*emptyConn)(nil)
	_ driver.Driver                         = (*emptyConn)(nil)
	_ driver.QueryerContext                 = (*emptyConn)(nil)
	_ driver.ExecerContext                  = (*emptyConn)(nil)
	_ driver.ConnPrepareContext             = (*emptyConn)(nil)
	_ driver.ConnBeginTx                    = (*emptyConn)(nil)
	_ driver.Pinger                         = (*emptyConn)(nil)
	_ driver.SessionResetter                = (*emptyConn)(nil)
	_ driver.Validator                      = (*emptyConn)(nil)
	_ driver.StmtQueryContext               = emptyStmt{}
	_ driver.StmtExecContext                = emptyStmt{}
	_ driver.RowsColumnTypeScanType         = (*emptyRows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*emptyRows)(nil)
)

// Empty returns a connector to nothing: every query, whatever its text and its
// arguments, is answered at once with the same rows of an int64, a string and
// a time.Time. It allocates nothing, so what a query costs is what database/sql
// costs: the floor for benchmarks. A connection has one set of Rows, so that a
// second query must wait until those of the first are closed.
func Empty(rows int) driver.Connector {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	data := make([][]driver.Value, rows)
	for i := range data {
		data[i] = []driver.Value{int64(i + 1000), fmt.Sprintf("row %d", i), at.Add(time.Duration(i) * time.Second)}
	}
	return &emptyConn{rows: emptyRows{data: data}}
}

// emptyConn is connector, driver, connection and transaction in one.
type emptyConn struct{ rows emptyRows }

func (c *emptyConn) Connect(context.Context) (driver.Conn, error) {
	return &emptyConn{rows: emptyRows{data: c.rows.data}}, nil
}
func (c *emptyConn) Driver() driver.Driver              { return c }
func (c *emptyConn) Open(string) (driver.Conn, error)   { return c.Connect(context.Background()) }
func (c *emptyConn) Close() error                       { return nil }
func (c *emptyConn) Ping(context.Context) error         { return nil }
func (c *emptyConn) ResetSession(context.Context) error { return nil }
func (c *emptyConn) IsValid() bool                      { return true }
func (c *emptyConn) Begin() (driver.Tx, error)          { return c, nil }
func (c *emptyConn) Commit() error                      { return nil }
func (c *emptyConn) Rollback() error                    { return nil }

func (c *emptyConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return c, nil }
func (c *emptyConn) Prepare(string) (driver.Stmt, error)                          { return emptyStmt{c}, nil }

func (c *emptyConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return emptyStmt{c}, nil
}

func (c *emptyConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	c.rows.pos = 0
	return &c.rows, nil
}

func (c *emptyConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

// emptyStmt takes any number of arguments.
type emptyStmt struct{ c *emptyConn }

func (s emptyStmt) Close() error  { return nil }
func (s emptyStmt) NumInput() int { return -1 }
func (s emptyStmt) Query([]driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), nil)
}

func (s emptyStmt) Exec([]driver.Value) (driver.Result, error) { return driver.ResultNoRows, nil }

func (s emptyStmt) QueryContext(context.Context, []driver.NamedValue) (driver.Rows, error) {
	s.c.rows.pos = 0
	return &s.c.rows, nil
}

func (s emptyStmt) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

type emptyRows struct {
	data [][]driver.Value
	pos  int
}

var (
	emptyColumns = []string{"id", "name", "at"}
	emptyTypes   = [...]string{"BIGINT", "TEXT", "TIMESTAMPTZ"}
	emptyScans   = [...]reflect.Type{reflect.TypeFor[int64](), reflect.TypeFor[string](), reflect.TypeFor[time.Time]()}
)

func (r *emptyRows) Columns() []string                       { return emptyColumns }
func (r *emptyRows) Close() error                            { return nil }
func (r *emptyRows) ColumnTypeDatabaseTypeName(i int) string { return emptyTypes[i] }
func (r *emptyRows) ColumnTypeScanType(i int) reflect.Type   { return emptyScans[i] }
func (r *emptyRows) Next(dest []driver.Value) error {
	if r.pos == len(r.data) {
		return io.EOF
	}
	copy(dest, r.data[r.pos])
	r.pos++
	return nil
}
