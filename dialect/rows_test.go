package dialect

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"testing"
)

// fakeConn answers from one buffer, which it reuses, as drivers do.
type fakeConn struct {
	driver.Conn
	buf    []byte
	left   int
	broken error
	closed int
}

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return fakeStmt{c: c}, nil }

type fakeStmt struct {
	driver.Stmt
	c *fakeConn
}

func (s fakeStmt) Close() error { s.c.closed++; return nil }
func (s fakeStmt) Query(args []driver.Value) (driver.Rows, error) {
	if s.c.broken != nil {
		return nil, s.c.broken
	}
	return fakeRows{s.c, args}, nil
}

type fakeRows struct {
	c    *fakeConn
	args []driver.Value
}

func (fakeRows) Columns() []string { return []string{"a", "b"} }
func (r fakeRows) Close() error    { r.c.closed++; return nil }
func (r fakeRows) Next(dest []driver.Value) error {
	if r.c.left == 0 {
		return io.EOF
	}
	r.c.buf[0] = byte('0' + r.c.left)
	r.c.left--
	dest[0], dest[1] = r.c.buf, r.args[0]
	return nil
}

// queryerConn has a fast path that may pass.
type queryerConn struct {
	*fakeConn
	err error
}

func (c queryerConn) QueryContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	if c.err != nil {
		return nil, c.err
	}
	return fakeRows{c.fakeConn, []driver.Value{args[0].Value}}, nil
}

func TestQuery(t *testing.T) {
	want := [][]driver.Value{{[]byte("2"), "x"}, {[]byte("1"), "x"}}
	shapes := map[string]func(*fakeConn) driver.Conn{
		"prepare": func(c *fakeConn) driver.Conn { return c },
		"queryer": func(c *fakeConn) driver.Conn { return queryerConn{c, nil} },
		"skip":    func(c *fakeConn) driver.Conn { return queryerConn{c, driver.ErrSkip} },
	}
	for name, shape := range shapes {
		c := &fakeConn{buf: []byte{0}, left: 2}
		got, err := Query(t.Context(), shape(c), "q", "x")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
		if open := map[string]int{"prepare": 2, "queryer": 1, "skip": 2}[name]; c.closed != open {
			t.Errorf("%s: %d closed, want %d", name, c.closed, open)
		}
	}
}

func TestQueryKeepsErrors(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Query(t.Context(), &fakeConn{broken: broken}, "q", "x"); err != broken {
		t.Errorf("got %v, want the driver's error", err)
	}
	if _, err := Query(t.Context(), queryerConn{&fakeConn{}, broken}, "q", "x"); err != broken {
		t.Errorf("got %v, want the driver's error", err)
	}
}
