//go:build go1.27

package resultset

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// scanned is a scripted driver.Rows that scans by itself. It never has to give
// out a row of values.
type scanned struct {
	*scripted
	row row
}

func (s *scanned) Next([]driver.Value) error { panic("scanned: Next") }

func (s *scanned) NextRow() error {
	s.row = make(row, len(s.Columns()))
	return s.scripted.Next(s.row)
}

func (s *scanned) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	s.open()
	return scanAs(s.ColumnTypeDatabaseTypeName(index))(ctx, s.row[index], dest)
}

// scanAs is how a column is scanned. The type says the column only: that of
// scripted says the row too.
func scanAs(databaseType string) ColumnScan {
	column := databaseType[strings.LastIndexByte(databaseType, '_'):]
	return func(ctx driver.ScanContext, value driver.Value, dest any) error {
		if d, ok := dest.(*native); ok {
			d.got = column + " " + show(value)
			return nil
		}
		if _, ok := value.(custom); ok {
			return errStubborn
		}
		return sql.ConvertAssign(ctx, dest, value)
	}
}

// scanAll scans recorded values, which are never of a driver's own types.
func scanAll(types []string) []ColumnScan {
	scans := []ColumnScan{}
	for _, t := range types {
		scans = append(scans, func(ctx driver.ScanContext, value driver.Value, dest any) error {
			if _, plain := boxBytes(value); !plain {
				return fmt.Errorf("recorded a %T", value)
			}
			return scanAs(t)(ctx, value, dest)
		})
	}
	return scans
}

// native is a destination that only the driver knows.
type native struct{ got string }

func (n native) String() string { return n.got }

var errStubborn = errors.New("only a native destination takes it")

func (s script) scanned() (driver.Rows, *scripted) {
	r := &scripted{script: s, buf: []byte{}}
	return &scanned{scripted: r}, r
}

// TestScannedThroughSQL is TestThroughSQL for rows that scan by themselves,
// where it is known how and where it is not.
func TestScannedThroughSQL(t *testing.T) {
	scripts := maps.Clone(scripts)
	scripts["custom in the middle of a row"] = one("a b c", row{int64(1), "x", "y"}, row{int64(2), custom{2}, []byte("y")}, row{int64(3), "z", "z"})
	natives := destination{"native", pointers[native]}
	for name, s := range scripts {
		for _, limits := range []Limits{{}, {Rows: 1}} {
			live := func() driver.Rows { rows, _ := s.scanned(); return rows }
			want := useSQL(t, live, natives)
			for known, scans := range map[bool]func([]string) []ColumnScan{true: scanAll, false: nil} {
				recorded := func() driver.Rows { return Record(live(), limits, scans).Rows(nil) }
				if got := useSQL(t, recorded, natives); !slices.Equal(got, want) {
					t.Errorf("%s %+v %t: recorded\n got %s\nwant %s", name, limits, known, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
				}
				r := Record(live(), limits, scans)
				if !r.Finished() {
					r.Rows(nil).Close()
					continue
				}
				replayed := func() driver.Rows { return r.Rows(nil) }
				if got := useSQL(t, replayed, natives); !slices.Equal(got, want) {
					t.Errorf("%s %+v: replayed\n got %s\nwant %s", name, limits, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
				}
			}
		}
	}
}

// What plays rows that scan by themselves does so too, and nothing else does.
func TestScansIfLiveDoes(t *testing.T) {
	for name, s := range scripts {
		for _, limits := range []Limits{{}, {Rows: 1}} {
			for _, scans := range []func([]string) []ColumnScan{scanAll, nil, func([]string) []ColumnScan { return nil }} {
				for scanning, open := range map[bool]func() (driver.Rows, *scripted){true: s.scanned, false: s.live} {
					live, _ := open()
					r := Record(live, limits, scans)
					why, rows := r.Why(), r.Rows(nil)
					if _, ok := rows.(driver.RowsColumnScanner); ok != scanning {
						t.Errorf("%s %+v, %v: scans %t, live %t", name, limits, why, ok, scanning)
					}
					rows.Close()
				}
			}
		}
	}
}

// Where it is not known how rows scan, nothing is read of them.
func TestRefusedScanReadsNothing(t *testing.T) {
	for _, scans := range []func([]string) []ColumnScan{nil, func([]string) []ColumnScan { return nil }} {
		live, counts := scripts["ten"].scanned()
		r := Record(live, Limits{}, scans)
		if r.Why() != CustomType || r.Finished() || r.Set() != nil || counts.row != 0 {
			t.Errorf("%v, finished %t, %d rows read", r.Why(), r.Finished(), counts.row)
		}
		ends := 0
		rows := r.Rows(func() { ends++ }).(driver.RowsColumnScanner)
		for range 10 {
			if err := rows.NextRow(); err != nil || ends != 0 {
				t.Fatalf("%v, %d ends", err, ends)
			}
		}
		if err := rows.NextRow(); err != io.EOF || ends != 1 {
			t.Errorf("at the end: %v, %d ends", err, ends)
		}
		rows.Close()
		if ends != 1 || counts.closed != 1 {
			t.Errorf("after Close: %d ends, %d closes", ends, counts.closed)
		}
	}
}

// A row that could not be recorded is not mistaken for one of the next set.
func TestScannedRowSkipped(t *testing.T) {
	s := script{results: []result{
		{columns: []string{"a"}, rows: []row{{custom{1}}, {int64(2)}}},
		{columns: []string{"b"}, rows: []row{{int64(3)}}}}}
	live, _ := s.scanned()
	rows := Record(live, Limits{}, scanAll).Rows(nil)
	if err := rows.(driver.RowsNextResultSet).NextResultSet(); err != nil {
		t.Fatal(err)
	}
	scanner := rows.(driver.RowsColumnScanner)
	var got native
	if err := errors.Join(scanner.NextRow(), scanner.ScanColumn(driver.ScanContext{}, 0, &got)); err != nil || got.got != "_0 int64 3" {
		t.Errorf("%q, %v", got, err)
	}
	if err := scanner.NextRow(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// What is scanned is the caller's own until the next row, however often.
func TestScannedBytes(t *testing.T) {
	live, _ := scripts["bytes"].scanned()
	set := Record(live, Limits{}, scanAll).Set()
	for range 2 {
		rows := set.Rows().(driver.RowsColumnScanner)
		rows.NextRow()
		var a, b, again sql.RawBytes
		for i, d := range []*sql.RawBytes{&a, &b} {
			rows.ScanColumn(driver.ScanContext{}, 2*i, d)
		}
		if string(a) != "one" || string(b) != "two" {
			t.Fatalf("%q %q", a, b)
		}
		_ = append(a, "!!!"...)
		clear(a)
		for range 10 {
			rows.ScanColumn(driver.ScanContext{}, 0, &again)
		}
		if string(again) != "one" || string(b) != "two" {
			t.Errorf("after a change: %q %q", again, b)
		}
	}
}

// A replay that scans costs what one that does not costs.
func TestScannedAllocations(t *testing.T) {
	assign := func(types []string) []ColumnScan {
		return slices.Repeat([]ColumnScan{func(ctx driver.ScanContext, value driver.Value, dest any) error {
			return sql.ConvertAssign(ctx, dest, value)
		}}, len(types))
	}
	for name, s := range scripts {
		live, _ := s.live()
		plain := Record(live, Limits{}, nil).Set()
		live, _ = s.scanned()
		set := Record(live, Limits{}, assign).Set()
		if plain == nil || set == nil {
			continue
		}
		value := new(held)
		dest := make(row, len(set.columns))
		want := testing.AllocsPerRun(100, func() {
			for rows := plain.Rows(); rows.Next(dest) == nil; {
			}
		})
		got := testing.AllocsPerRun(100, func() {
			rows := set.Rows().(driver.RowsColumnScanner)
			for rows.NextRow() == nil {
				for i := range dest {
					rows.ScanColumn(driver.ScanContext{}, i, value)
				}
			}
		})
		if got > want {
			t.Errorf("%s: %v allocations, without scanning %v", name, got, want)
		}
	}
}
