package resultset

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// source is a database whose every query is answered by rows.
type source func() driver.Rows

func (s source) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s source) Driver() driver.Driver                        { return nil }
func (s source) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }
func (s source) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (s source) Close() error                                 { return nil }
func (s source) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return s(), nil
}

// TestThroughSQL compares all that a user of database/sql can see, of the live
// rows, of the first caller of a recording, and of one served from it later.
func TestThroughSQL(t *testing.T) {
	for name, s := range scripts {
		for _, limits := range []Limits{{}, {Rows: 1}} {
			live := func() driver.Rows { rows, _ := s.live(); return rows }
			cold := func() driver.Rows { return Record(live(), limits, nil).Rows(nil) }
			want := useSQL(t, live)
			if got := useSQL(t, cold); !slices.Equal(got, want) {
				t.Errorf("%s %+v: recorded\n got %s\nwant %s", name, limits, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
			r := Record(live(), limits, nil)
			if !r.Finished() {
				r.Rows(nil).Close()
				continue
			}
			hot := func() driver.Rows { return r.Rows(nil) }
			if got := useSQL(t, hot); !slices.Equal(got, want) {
				t.Errorf("%s %+v: replayed\n got %s\nwant %s", name, limits, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
		}
	}
}

// A destination makes n variables to scan a row into.
type destination struct {
	name  string
	slots func(n int) []any
}

var destinations = []destination{
	{"any", pointers[any]},
	{"string", pointers[sql.NullString]},
	{"bytes", pointers[[]byte]},
	{"RawBytes", pointers[sql.RawBytes]},
	{"int64", pointers[int64]},
	{"float64", pointers[sql.NullFloat64]},
	{"bool", pointers[sql.NullBool]},
	{"time", pointers[sql.Null[time.Time]]},
	{"Scanner", pointers[keeper]},
}

func useSQL(t *testing.T, from source, more ...destination) (seen []string) {
	t.Helper()
	db := sql.OpenDB(from)
	defer db.Close()
	for _, kind := range append(slices.Clip(destinations), more...) {
		rows, err := db.Query("q")
		if err != nil {
			t.Fatal(err)
		}
		say := func(format string, args ...any) {
			seen = append(seen, kind.name+": "+fmt.Sprintf(format, args...))
		}
		for {
			names, err := rows.Columns()
			say("columns %q %v", names, err)
			types, err := rows.ColumnTypes()
			for _, c := range types {
				say("type %+v %v", *c, err)
			}
			for rows.Next() {
				dest := kind.slots(len(names))
				err := rows.Scan(dest...)
				say("scan error %v", err)
				for _, d := range dest {
					say("  %s", deref(d))
				}
			}
			say("err %v, read %t, close %t", rows.Err(), rows.Err() == errRead, rows.Err() == errClose)
			if !rows.NextResultSet() {
				break
			}
		}
		say("close %v, err %v", rows.Close(), rows.Err())
	}
	return seen
}

func pointers[T any](n int) []any {
	dest := make([]any, n)
	for i := range dest {
		dest[i] = new(T)
	}
	return dest
}

func deref(p any) string {
	switch p := p.(type) {
	case *any:
		return show(*p)
	case *sql.Null[time.Time]:
		return show(p.V) + fmt.Sprint(p.Valid)
	case *sql.RawBytes:
		return show([]byte(*p))
	case *[]byte:
		return show(*p)
	case *sql.NullString:
		return fmt.Sprintf("%#v", *p)
	case *int64:
		return fmt.Sprint(*p)
	case *sql.NullFloat64:
		return fmt.Sprint(*p)
	case *sql.NullBool:
		return fmt.Sprint(*p)
	case *keeper:
		return p.got
	case fmt.Stringer:
		return p.String()
	}
	panic(fmt.Sprintf("deref: %T", p))
}

// keeper is a sql.Scanner, which is given the driver's own value.
type keeper struct{ got string }

func (k *keeper) Scan(v any) error { k.got = show(v); return nil }

func TestQueryRow(t *testing.T) {
	tests := []struct {
		script string
		limits Limits
		want   int64
		err    error
	}{
		{"one", Limits{}, 7, nil},
		{"one", Limits{Bytes: 1}, 7, nil},
		{"error middle", Limits{Rows: 2}, 256, nil},
		{"error first", Limits{}, 0, errRead},
		{"close error", Limits{}, 256, errClose},
		{"close error", Limits{Rows: 1}, 256, errClose},
		{"two results", Limits{}, 256, nil},
	}
	for _, tt := range tests {
		s := scripts[tt.script]
		var counts *scripted
		ends := 0
		db := sql.OpenDB(source(func() driver.Rows {
			var live driver.Rows
			live, counts = s.live()
			return Record(live, tt.limits, nil).Rows(func() { ends++ })
		}))
		var got int64
		if err := db.QueryRow("q").Scan(&got); err != tt.err || got != tt.want {
			t.Errorf("%s %+v: %d, %v; want %d, %v", tt.script, tt.limits, got, err, tt.want, tt.err)
		}
		if ends != 1 || counts.closed != 1 {
			t.Errorf("%s %+v: %d ends, %d closes", tt.script, tt.limits, ends, counts.closed)
		}
		db.Close()
	}
}

// While the prefix plays, live stands on a later row than the caller, so the
// recorded metadata must answer; then live itself.
func TestTailMetadata(t *testing.T) {
	s := one("a", row{int64(1)}, row{"two"}, row{3.5})
	live, _ := s.live()
	first := showColumns(live)
	rows := Record(live, Limits{Rows: 1}, nil).Rows(nil)
	dest := make(row, 1)
	for i := range 2 {
		if got := showColumns(rows); got != first {
			t.Errorf("before row %d: %s, want %s", i, got, first)
		}
		rows.Next(dest)
	}
	rows.Next(dest)
	if got, want := showColumns(rows), showColumns(live); got != want || dest[0] != 3.5 {
		t.Errorf("on the live row: %s, %v; want %s", got, dest[0], want)
	}
	if err := rows.Next(dest); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}
