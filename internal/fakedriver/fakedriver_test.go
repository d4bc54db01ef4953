package fakedriver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestShapes states what each shape has, since embedding can give it more.
func TestShapes(t *testing.T) {
	has := func(v any) string {
		var list []string
		add := func(name string, ok bool) {
			if ok {
				list = append(list, name)
			}
		}
		is := func(name string) {
			switch name {
			case "Prepare":
				_, ok := v.(driver.ConnPrepareContext)
				add(name, ok)
			case "Begin":
				_, ok := v.(driver.ConnBeginTx)
				add(name, ok)
			case "Ping":
				_, ok := v.(driver.Pinger)
				add(name, ok)
			case "Query":
				_, ok := v.(driver.QueryerContext)
				_, ok2 := v.(driver.ExecerContext)
				add(name, ok && ok2)
			case "query":
				_, ok := v.(driver.Queryer)
				_, ok2 := v.(driver.Execer)
				add(name, ok && ok2)
			case "Reset":
				_, ok := v.(driver.SessionResetter)
				add(name, ok)
			case "Valid":
				_, ok := v.(driver.Validator)
				add(name, ok)
			case "Check":
				_, ok := v.(driver.NamedValueChecker)
				add(name, ok)
			case "Stmt":
				_, ok := v.(driver.StmtQueryContext)
				_, ok2 := v.(driver.StmtExecContext)
				add(name, ok && ok2)
			case "Column":
				_, ok := v.(driver.ColumnConverter)
				add(name, ok)
			case "Sets":
				_, ok := v.(driver.RowsNextResultSet)
				add(name, ok)
			}
		}
		for _, name := range strings.Fields("Prepare Begin Ping Query query Reset Valid Check Stmt Column Sets") {
			is(name)
		}
		return strings.Join(list, " ")
	}
	for _, c := range []struct {
		shape            Shape
		conn, stmt, rows string
	}{
		{Full, "Prepare Begin Ping Query Reset Valid Check", "Check Stmt", "Sets"},
		{Legacy, "query", "Column", ""},
		{Minimal, "", "", ""},
		{Skip, "Prepare Begin Ping Query Reset Valid", "Check Stmt", "Sets"},
		{NoReset, "Prepare Begin Ping Query Valid Check", "Check Stmt", "Sets"},
		{NoValid, "Prepare Begin Ping Query Reset Check", "Check Stmt", "Sets"},
		{Remove, "Prepare Begin Ping Query Reset Valid Check", "Stmt", "Sets"},
		{StmtChecker, "Prepare Begin Ping Reset Valid", "Check Stmt", "Sets"},
	} {
		for _, part := range []struct {
			of        string
			v         any
			got, want string
		}{
			{"connection", c.shape.conn(nil), "", c.conn},
			{"statement", c.shape.stmt(nil), "", c.stmt},
			{"Rows", c.shape.rows(nil), "", c.rows},
		} {
			if got := has(part.v); got != part.want {
				t.Errorf("%v: %s has %q, want %q", c.shape, part.of, got, part.want)
			}
		}
	}
}

// TestStatements runs every statement of the mini language.
func TestStatements(t *testing.T) {
	srv := New()
	db := sql.OpenDB(srv.Connector(Full))
	for _, c := range []struct {
		text string
		args []any
		want string
	}{
		{"SELECT * FROM t", nil, "1 one 1|2 two 1|3 <nil> 1"},
		{"/* a */ SELECT  * -- b\n FROM t WHERE id = ?;", []any{2}, "2 two 1"},
		{"SELECT * FROM t WHERE id = @id", []any{sql.Named("id", 2)}, "2 two 1"},
		{"SELECT * FROM t WHERE id = @id", []any{sql.Named("no", 2)}, "fakedriver: no argument is named id"},
		{"INSERT INTO t VALUES (?, ?) RETURNING *", []any{4, "four"}, "4 four 1"},
		{"INSERT INTO t VALUES (4, NULL)", nil, "fakedriver: duplicate key 4 in t"},
		{"UPDATE t SET v = ? WHERE id = ? RETURNING *", []any{"new", 4}, "4 new 2"},
		{"UPDATE t SET v = 'it' WHERE id = 4 RETURNING *", nil, "4 it 3"},
		{"DELETE FROM t WHERE id = 4", nil, ""},
		{"SELECT * FROM t WHERE id = 4", nil, ""},
		{"SELECT * FROM t WHERE id = ?", []any{"1"}, "fakedriver: id is a string, expected int64"},
		{"SELECT * FROM t WHERE id = ?", nil, "fakedriver: 1 parameters, 0 arguments"},
		{"SELECT * FROM nowhere", nil, "fakedriver: there is no table nowhere"},
		{"SELEC", nil, `fakedriver: syntax error in "SELEC"`},
		{"SELECT args(?, ?) FROM t", []any{1, "x"}, " int64 1| string x"},
		{"SELECT rows(2)", nil, "1 [114 111 119 32 49]|2 [114 111 119 32 50]"},
		{"SELECT error(1)", nil, "fakedriver: failed after 1 rows"},
		{"SELECT fail", nil, "fakedriver: failed"},
		{"SELECT none", nil, ""},
		{"SELECT dup", nil, "1 2"},
		{"SELECT what", nil, "fakedriver: there is no column what"},
		{"COMMIT", nil, "fakedriver: there is no transaction in progress"},
	} {
		if got := read(db, c.text, c.args...); got != c.want {
			t.Errorf("%s %v: got %q, want %q", c.text, c.args, got, c.want)
		}
	}
	if n := srv.Seen("SELECT * FROM t WHERE id = ?"); n != 3 {
		t.Errorf("seen %d times, want 3", n)
	}
	db.Close()
	srv.Check(t)
}

// TestTransactions: nobody else sees what is not committed, and a transaction
// sees what others commit.
func TestTransactions(t *testing.T) {
	srv := New()
	db := sql.OpenDB(srv.Connector(Full))
	const one = "SELECT * FROM t WHERE id = 1"
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	want := func(q queryable, want string) {
		t.Helper()
		if got := read(q, one); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	read(tx, "UPDATE t SET v = 'mine' WHERE id = 1")
	want(tx, "1 mine 2")
	want(db, "1 one 1")
	read(db, "UPDATE t SET v = 'other' WHERE id = 1")
	want(tx, "1 mine 3")
	want(db, "1 other 2")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	want(db, "1 mine 3")
	db.Close()
	srv.Check(t)
}

type queryable interface {
	Query(text string, args ...any) (*sql.Rows, error)
}

func read(q queryable, text string, args ...any) string {
	rows, err := q.Query(text, args...)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	var list []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return err.Error()
		}
		for i, v := range values {
			values[i] = fmt.Sprint(*v.(*any))
		}
		list = append(list, strings.TrimSuffix(fmt.Sprintln(values...), "\n"))
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return strings.Join(list, "|")
}

// TestMisuse breaks each rule once.
func TestMisuse(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		want string
		do   func(*Server, driver.Conn)
	}{
		{"Ping on a closed connection", func(_ *Server, c driver.Conn) {
			c.Close()
			c.(driver.Pinger).Ping(ctx)
		}},
		{"IsValid on a connection that is in use", func(s *Server, c driver.Conn) {
			go c.(driver.QueryerContext).QueryContext(ctx, "SELECT sleep(x)", nil)
			<-s.Event("x").Reached()
			c.(driver.Validator).IsValid()
			s.Event("x").Release()
		}},
		{"Close of a connection with 1 statements open", func(_ *Server, c driver.Conn) {
			c.(driver.ConnPrepareContext).PrepareContext(ctx, "SELECT none")
			c.Close()
		}},
		{"Close of a connection with 1 Rows open", func(_ *Server, c driver.Conn) {
			c.(driver.QueryerContext).QueryContext(ctx, "SELECT none", nil)
			c.Close()
		}},
		{"Stmt.Query on a closed statement", func(_ *Server, c driver.Conn) {
			st, _ := c.(driver.ConnPrepareContext).PrepareContext(ctx, "SELECT none")
			st.Close()
			st.(driver.StmtQueryContext).QueryContext(ctx, nil)
		}},
		{"Stmt.Exec on a closed connection", func(_ *Server, c driver.Conn) {
			st, _ := c.(driver.ConnPrepareContext).PrepareContext(ctx, "SELECT none")
			c.Close()
			st.(driver.StmtExecContext).ExecContext(ctx, nil)
		}},
		{"Rows.Next after Close", func(_ *Server, c driver.Conn) {
			rows, _ := c.(driver.QueryerContext).QueryContext(ctx, "SELECT none", nil)
			rows.Close()
			rows.Next(make([]driver.Value, 2))
		}},
		{"Begin called, although there is BeginTx", func(_ *Server, c driver.Conn) { c.Begin() }},
		{"Prepare called, although there is PrepareContext", func(_ *Server, c driver.Conn) { c.Prepare("SELECT none") }},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := New()
			conn, err := srv.Connector(Full).Connect(ctx)
			if err != nil {
				t.Fatal(err)
			}
			c.do(srv, conn)
			if !slices.Contains(srv.Misuse(), c.want) {
				t.Errorf("misuse %q, want %q", srv.Misuse(), c.want)
			}
			r := &recorder{TB: t}
			srv.Check(r)
			if !r.failed {
				t.Errorf("%s: Check does not fail", c.want)
			}
			synctest.Wait()
		})
	}
}

// A recorder is a test that may fail.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Error(...any)          { r.failed = true }

// TestBytesAreLent: whoever keeps the bytes of a row finds them spoilt.
func TestBytesAreLent(t *testing.T) {
	srv := New()
	ctx := context.Background()
	conn, _ := srv.Connector(Full).Connect(ctx)
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, "SELECT rows(1)", nil)
	if err != nil {
		t.Fatal(err)
	}
	dest := make([]driver.Value, 2)
	if err := rows.Next(dest); err != nil || string(dest[1].([]byte)) != "row 1" {
		t.Fatalf("got %q, %v", dest[1], err)
	}
	rows.Close()
	if got := string(dest[1].([]byte)); got != "!!!!!" {
		t.Errorf("after Close: %q, want it spoilt", got)
	}
	conn.Close()
	srv.Check(t)
}

// TestEmpty reads all of it, twice on the same connection.
func TestEmpty(t *testing.T) {
	for _, n := range []int{0, 1, 10, 100} {
		db := sql.OpenDB(Empty(n))
		for range 2 {
			rows, err := db.Query("SELECT ?", 1)
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for ; rows.Next(); got++ {
				var id int64
				var name string
				var at time.Time
				if err := rows.Scan(&id, &name, &at); err != nil {
					t.Fatal(err)
				}
				if id != int64(got+1000) || name != fmt.Sprintf("row %d", got) || at.Second() != (6+got)%60 {
					t.Errorf("row %d: %d, %s, %v", got, id, name, at)
				}
			}
			if err := rows.Err(); err != nil || got != n {
				t.Errorf("%d rows, error %v, want %d", got, err, n)
			}
		}
		db.Close()
	}
}

// BenchmarkEmpty is what database/sql costs by itself.
func BenchmarkEmpty(b *testing.B) {
	ctx := context.Background()
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			db := sql.OpenDB(Empty(n))
			defer db.Close()
			var id int64
			var name string
			var at time.Time
			b.ReportAllocs()
			for b.Loop() {
				rows, err := db.QueryContext(ctx, "SELECT id, name, at FROM books WHERE id = ?", 1)
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
					if err := rows.Scan(&id, &name, &at); err != nil {
						b.Fatal(err)
					}
				}
				if err := rows.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("row", func(b *testing.B) {
		db := sql.OpenDB(Empty(1))
		defer db.Close()
		var id int64
		var name string
		var at time.Time
		b.ReportAllocs()
		for b.Loop() {
			if err := db.QueryRowContext(ctx, "SELECT id, name, at FROM books WHERE id = ?", 1).Scan(&id, &name, &at); err != nil {
				b.Fatal(err)
			}
		}
	})
}
