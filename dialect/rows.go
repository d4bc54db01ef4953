package dialect

import (
	"bytes"
	"context"
	"database/sql/driver"
	"io"
)

// Query runs a statement on a driver's connection and returns all its rows,
// which share no memory with the driver. Arguments are positional and of the
// types of [driver.Value]. Errors are the driver's own.
func Query(ctx context.Context, conn driver.Conn, text string, args ...any) (all [][]driver.Value, err error) {
	err = QueryEach(ctx, conn, text, func(row []driver.Value) {
		own := make([]driver.Value, len(row))
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				v = bytes.Clone(b)
			}
			own[i] = v
		}
		all = append(all, own)
	}, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// QueryEach is [Query] for answers that are not to be held whole: it calls visit
// for each row, which is valid until visit returns.
func QueryEach(ctx context.Context, conn driver.Conn, text string, visit func(row []driver.Value), args ...any) error {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	if q, ok := conn.(driver.QueryerContext); ok {
		rows, err := q.QueryContext(ctx, text, named)
		if err == nil {
			return visitAll(rows, visit)
		}
		if err != driver.ErrSkip { //nolint:errorlint // database/sql compares it so
			return err
		}
	}
	stmt, err := prepare(ctx, conn, text)
	if err != nil {
		return err
	}
	rows, err := queryStmt(ctx, stmt, named)
	if err != nil {
		_ = stmt.Close() // the query's error is the one that counts
		return err
	}
	err = visitAll(rows, visit)
	if closing := stmt.Close(); err == nil {
		err = closing
	}
	return err
}

// prepare mirrors ctxDriverPrepare of database/sql/ctxutil.go.
func prepare(ctx context.Context, conn driver.Conn, text string) (driver.Stmt, error) {
	if p, ok := conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, text)
	}
	stmt, err := conn.Prepare(text)
	if err == nil && ctx.Err() != nil {
		_ = stmt.Close() // the context's error is the one that counts
		return nil, ctx.Err()
	}
	return stmt, err
}

// queryStmt mirrors ctxDriverStmtQuery of database/sql/ctxutil.go.
func queryStmt(ctx context.Context, stmt driver.Stmt, named []driver.NamedValue) (driver.Rows, error) {
	if q, ok := stmt.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, named)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	values := make([]driver.Value, len(named))
	for i, n := range named {
		values[i] = n.Value
	}
	return stmt.Query(values) //nolint:staticcheck // all that this driver has
}

func visitAll(rows driver.Rows, visit func(row []driver.Value)) (err error) {
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); err {
		case nil:
		case io.EOF: //nolint:errorlint // database/sql compares it so
			return nil
		default:
			return err
		}
		visit(row)
	}
}

// Text returns a value of type text, which drivers give as a string or as bytes;
// "" for any other.
func Text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}
