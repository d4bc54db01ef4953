package fakedriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"
)

var _ driver.Result = (*result)(nil)

// A result is what a statement has done and found.
type result struct {
	sets     []set
	id       int64
	affected int64
}

// LastInsertId implements driver.Result.
func (r *result) LastInsertId() (int64, error) {
	if r.id == 0 {
		return 0, &Error{"nothing was inserted"}
	}
	return r.id, nil
}

// RowsAffected implements driver.Result.
func (r *result) RowsAffected() (int64, error) { return r.affected, nil }

// execute runs a statement.
func (c *conn) execute(ctx context.Context, st *statement, args []driver.NamedValue) (*result, error) {
	if len(args) != st.inputs {
		return nil, &Error{fmt.Sprintf("%d parameters, %d arguments", st.inputs, len(args))}
	}
	for _, a := range args {
		if a.Name != "" && !c.shape.Named() {
			return nil, &Error{"named arguments are not supported"}
		}
	}
	switch st.kind {
	case begin:
		return &result{}, c.start(false)
	case commit, rollback:
		return &result{}, c.finish(st.kind == commit)
	case setTenant:
		v, err := st.v.bind(args)
		c.tenant = fmt.Sprint(v)
		return &result{}, err
	case special:
		return c.special(ctx, st, args)
	}
	return c.onTable(st, args)
}

func (c *conn) onTable(st *statement, args []driver.NamedValue) (*result, error) {
	o := op{kind: st.kind, table: st.table}
	if st.id != nil {
		v, err := st.id.bind(args)
		if err != nil {
			return nil, err
		}
		id, ok := v.(int64)
		if !ok {
			return nil, &Error{fmt.Sprintf("id is a %T, expected int64", v)}
		}
		o.id = &id
	}
	if st.v != nil {
		var err error
		if o.v, err = st.v.bind(args); err != nil {
			return nil, err
		}
	}
	if st.kind != selectRows {
		changed, err := c.write(o)
		if err != nil {
			return nil, err
		}
		res := &result{affected: int64(len(changed))}
		if st.kind == insertRow {
			res.id = *o.id
		}
		if st.returning {
			res.sets = []set{tableSet(changed)}
		}
		return res, nil
	}
	list, err := c.read(st.table)
	if err != nil {
		return nil, err
	}
	if o.id != nil {
		_, list, _ = op{kind: deleteRows, id: o.id}.apply(list)
	}
	return &result{sets: []set{tableSet(list)}, affected: int64(len(list))}, nil
}

// special answers a SELECT that is there to try something out.
func (c *conn) special(ctx context.Context, st *statement, args []driver.NamedValue) (*result, error) {
	n, _ := strconv.Atoi(st.list)
	answer := set{columns: []column{idColumn}}
	switch st.name {
	case "tenant":
		answer = set{columns: []column{textColumn("tenant")}, rows: [][]driver.Value{{c.tenant}}}
	case "args":
		answer = argSet(args)
	case "types":
		answer = typeSet()
	case "rows", "error":
		answer = numbers(n)
		if st.name == "error" {
			answer.err = &Error{fmt.Sprintf("failed after %d rows", n)}
		}
	case "fail":
		return nil, &Error{"failed"}
	case "none":
	case "nocols":
		answer = set{}
	case "dup":
		answer = set{columns: []column{idColumn, idColumn}, rows: [][]driver.Value{{int64(1), int64(2)}}}
	case "sets":
		return &result{sets: []set{numbers(2), {columns: []column{textColumn("s")}, rows: [][]driver.Value{{"x"}}}}}, nil
	case "sleep":
		c.srv.Event(st.list).wait(ctx.Done())
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		answer = numbers(1)
	case "hang":
		answer = numbers(1)
		answer.hang = c.srv.Event(st.list)
	default:
		return nil, &Error{"there is no column " + st.name}
	}
	return &result{sets: []set{answer}}, nil
}
