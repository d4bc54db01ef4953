package fakedriver

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"slices"
)

// A Row is a row of a table.
type Row struct {
	ID      int64
	V       driver.Value
	Version int64 // 1 when inserted, one more with every update
}

// An op changes a table.
type op struct {
	kind  kind
	table string
	id    *int64 // nil: all rows
	v     driver.Value
}

// apply returns the table after the operation, and the rows that it changed.
func (o op) apply(before []Row) (after, changed []Row, err error) {
	if o.kind == insertRow {
		for _, r := range before {
			if r.ID == *o.id {
				return nil, nil, &Error{fmt.Sprintf("duplicate key %d in %s", r.ID, o.table)}
			}
		}
		r := Row{*o.id, o.v, 1}
		return append(slices.Clip(before), r), []Row{r}, nil
	}
	for _, r := range before {
		switch {
		case o.id != nil && r.ID != *o.id:
			after = append(after, r)
		case o.kind == updateRows:
			r.V, r.Version = o.v, r.Version+1
			after, changed = append(after, r), append(changed, r)
		default:
			changed = append(changed, r)
		}
	}
	return after, changed, nil
}

// write applies o, at once or at the end of the transaction.
func (c *conn) write(o op) ([]Row, error) {
	if b, ok := o.v.([]byte); ok {
		o.v = bytes.Clone(b) // the caller's again when the statement ends
	}
	before, err := c.read(o.table)
	if err != nil {
		return nil, err
	}
	if c.tx != nil && c.tx.readOnly {
		return nil, &Error{"the transaction is read-only"}
	}
	if c.tx != nil {
		_, changed, err := o.apply(before)
		if err == nil {
			c.tx.ops = append(c.tx.ops, o)
		}
		return changed, err
	}
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	after, changed, err := o.apply(c.srv.tables[o.table])
	if err == nil {
		c.srv.tables[o.table] = after
	}
	return changed, err
}

// read returns the rows that the connection sees.
func (c *conn) read(table string) ([]Row, error) {
	c.srv.mu.Lock()
	list, ok := c.srv.tables[table]
	c.srv.mu.Unlock()
	if !ok {
		return nil, &Error{"there is no table " + table}
	}
	if c.tx != nil {
		for _, o := range c.tx.ops {
			if o.table != table {
				continue
			}
			if after, _, err := o.apply(list); err == nil {
				list = after
			}
		}
	}
	return list, nil
}
