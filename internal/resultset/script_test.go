package resultset

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

type row = []driver.Value

// result is one scripted result set: its rows, and what Next returns behind
// them (nil: io.EOF).
type result struct {
	columns []string
	rows    []row
	err     error
}

// script is what a scripted driver.Rows will do.
type script struct {
	results  []result
	closeErr error
	plain    bool // without any optional interface
}

func (s script) live() (driver.Rows, *scripted) {
	r := &scripted{script: s, buf: []byte{}} // a part of a nil buf would be nil
	if s.plain {
		return struct{ driver.Rows }{r}, r
	}
	return r, r
}

// scripted is a driver.Rows with the habits that real ones have: it reuses one
// buffer for all []byte values, it describes columns by the row it stands on,
// and it must not be asked for rows behind the last one, or for anything once
// closed.
type scripted struct {
	script
	result, row int
	buf         []byte
	closed      int
	eof         bool
}

func (s *scripted) open() *result {
	if s.closed > 0 {
		panic("scripted: used after Close")
	}
	return &s.results[s.result]
}

func (s *scripted) Columns() []string { return s.open().columns }

func (s *scripted) Next(dest []driver.Value) error {
	r := s.open()
	for i := range s.buf {
		s.buf[i] = '!'
	}
	s.buf = s.buf[:0]
	if s.eof {
		panic("scripted: Next after io.EOF")
	}
	if s.row == len(r.rows) {
		s.eof = true
		if r.err != nil {
			return r.err
		}
		return io.EOF
	}
	for i, v := range r.rows[s.row] {
		if b, ok := v.([]byte); ok && b != nil {
			n := len(s.buf)
			s.buf = append(s.buf, b...)
			v = s.buf[n:len(s.buf)]
		}
		dest[i] = v
	}
	s.row++
	return nil
}

func (s *scripted) Close() error { s.closed++; return s.closeErr }

func (s *scripted) HasNextResultSet() bool { s.open(); return s.result+1 < len(s.results) }

func (s *scripted) NextResultSet() error {
	if !s.HasNextResultSet() {
		return io.EOF
	}
	s.result, s.row, s.eof = s.result+1, 0, false
	return nil
}

func (s *scripted) ColumnTypeScanType(i int) reflect.Type {
	if r := s.open(); s.row < len(r.rows) && r.rows[s.row][i] != nil {
		return reflect.TypeOf(r.rows[s.row][i])
	}
	return reflect.TypeFor[string]()
}

func (s *scripted) ColumnTypeDatabaseTypeName(i int) string {
	return fmt.Sprintf("TYPE%d_%d_%d", s.result, min(s.row, len(s.open().rows)), i)
}

func (s *scripted) ColumnTypeLength(i int) (int64, bool) {
	s.open()
	return int64(i) + 10, i%2 == 0
}

func (s *scripted) ColumnTypeNullable(i int) (nullable, ok bool) {
	s.open()
	return i%2 == 0, i%3 == 0
}

func (s *scripted) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	s.open()
	return int64(i), math.MaxInt64, i%2 == 1
}

// one is a script of a single result set.
func one(columns string, rows ...row) script {
	return script{results: []result{{columns: strings.Fields(columns), rows: rows}}}
}

// numbers returns n rows of width int64 values, none of which Go boxes for free.
func numbers(n, width int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = make(row, width)
		for j := range rows[i] {
			rows[i][j] = int64(1000*i + j + 256)
		}
	}
	return rows
}

// show renders a value with its type, and so that only equal ones look equal.
func show(v driver.Value) string {
	switch v := v.(type) {
	case time.Time:
		return "time " + v.Format("2006-01-02T15:04:05.999999999 Z07:00 MST ") + v.Location().String()
	case []byte:
		return fmt.Sprintf("[]byte %q nil=%t", v, v == nil)
	}
	return fmt.Sprintf("%T %#v", v, v)
}

func showColumns(rows driver.Rows) string {
	var b strings.Builder
	for _, c := range describe(rows) {
		fmt.Fprintf(&b, "%+v ", c)
	}
	return b.String()
}

// play uses rows the way database/sql does, and tells all that it saw. It
// leaves each result set after at most the given number of Next.
func play(rows driver.Rows, most int) (seen []string) {
	say := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }
	for {
		say("columns %s", showColumns(rows))
		dest := make(row, len(rows.Columns()))
		for range most {
			if err := rows.Next(dest); err != nil {
				say("next %p %v", err, err)
				if err != io.EOF {
					say("close %v", rows.Close())
					return seen
				}
				break
			}
			for i, v := range dest {
				say("  %d %s", i, show(v))
			}
			say("row")
		}
		next, ok := rows.(driver.RowsNextResultSet)
		if !ok || next.NextResultSet() != nil {
			say("close %v", rows.Close())
			return seen
		}
	}
}

var (
	errRead  = errors.New("read failed")
	errClose = errors.New("close failed")
)

type custom struct{ n int }

var scripts = map[string]script{
	"empty":           one("a b"),
	"no columns":      one(""),
	"rows of nothing": one("", row{}, row{}, row{}),
	"duplicate names": one("a a  a", row{int64(1), int64(2), int64(3)}),
	"one":             one("n", row{int64(7)}),
	"nulls":           one("a b", row{nil, "x"}, row{"y", nil}, row{nil, nil}),
	"all types": one("c",
		row{nil}, row{int64(-1)}, row{int64(math.MaxInt64)}, row{1.5},
		row{math.Inf(-1)}, row{math.Copysign(0, -1)}, row{true}, row{false},
		row{""}, row{"grün\x00"}, row{[]byte{}}, row{[]byte(nil)}, row{[]byte("b\xff")},
		row{time.Unix(1e9, 5).UTC()}, row{time.Unix(1e9, 5)}, row{time.Time{}},
		row{time.Unix(1e9, 5).In(time.FixedZone("HERE", 3600))},
		row{int(-3)}, row{int8(-3)}, row{int16(-3)}, row{int32(-3)},
		row{uint(3)}, row{uint8(3)}, row{uint16(300)}, row{uint32(70000)},
		row{uint64(math.MaxUint64)}, row{float32(2.5)}),
	"bytes": one("a b c",
		row{[]byte("one"), []byte(""), []byte("two")},
		row{[]byte("longer than before"), nil, []byte("x")},
		row{[]byte(nil), []byte("y"), "string"}),
	"ten":          one("a b c", numbers(10, 3)...),
	"wide":         one(strings.Repeat("col ", 100), numbers(3, 100)...),
	"error first":  {results: []result{{columns: []string{"a"}, err: errRead}}},
	"error middle": {results: []result{{columns: []string{"a"}, rows: numbers(5, 1), err: errRead}}},
	"error and close error": {
		results: []result{{columns: []string{"a"}, rows: numbers(2, 1), err: errRead}}, closeErr: errClose},
	"close error": {
		results: []result{{columns: []string{"a"}, rows: numbers(2, 1)}}, closeErr: errClose},
	"two results": {results: []result{
		{columns: []string{"a"}, rows: numbers(2, 1)},
		{columns: []string{"b", "c"}, rows: numbers(3, 2)}}},
	"results, empty ones too": {results: []result{
		{columns: []string{"a"}}, {}, {columns: []string{"b"}, rows: numbers(1, 1)}, {}}},
	"error in second result": {results: []result{
		{columns: []string{"a"}, rows: numbers(2, 1)},
		{columns: []string{"b"}, rows: numbers(1, 1), err: errRead}}, closeErr: errClose},
	"custom type":   one("a b", row{int64(1), "x"}, row{custom{2}, []byte("y")}, row{int64(3), "z"}),
	"named type":    one("a", row{time.Duration(5)}),
	"named bytes":   one("a", row{slices.Clip([]uint8("ok"))}, row{jsonBytes(`{}`)}),
	"custom, error": {results: []result{{columns: []string{"a"}, rows: []row{{custom{}}}, err: errRead}}},
}

type jsonBytes []byte
