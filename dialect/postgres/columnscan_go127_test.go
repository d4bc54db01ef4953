//go:build go1.27

package postgres_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"uuid"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/querycache/querycache"
)

// Destinations that database/sql handles, that pgx handles, and that nobody
// does. sql.RawBytes comes last: nothing can be scanned after it.
var scanned = []func() any{
	into[int], into[int8], into[int16], into[int32], into[int64], into[uint], into[uint8], into[uint64], into[*int64], into[**int64],
	into[float32], into[float64], into[bool], into[string], into[*string], into[word], into[[]byte], into[json.RawMessage], into[any], into[*any],
	into[time.Time], into[*time.Time], into[moment], into[stamped], into[time.Duration],
	into[sql.NullString], into[sql.NullInt64], into[sql.Null[time.Time]], into[sql.Null[int32]], into[keeper], into[*keeper],
	into[pgtype.Text], into[pgtype.Int4], into[pgtype.Int8], into[pgtype.Bool], into[pgtype.Numeric], into[pgtype.Date], into[pgtype.Time],
	into[pgtype.Timestamp], into[pgtype.Timestamptz], into[pgtype.Interval], into[pgtype.UUID], into[pgtype.Uint32], into[pgtype.Hstore],
	into[pgtype.Point], into[pgtype.Box], into[pgtype.Line], into[pgtype.Lseg], into[pgtype.Path], into[pgtype.Polygon], into[pgtype.Circle],
	into[pgtype.Bits], into[pgtype.TID], into[pgtype.TSVector], into[pgtype.UndecodedBytes], into[pgtype.DriverBytes], into[pgtype.PreallocBytes],
	into[[]int], into[[]int16], into[[]int32], into[[]int64], into[[]*int64], into[[]uint64], into[[]float64], into[[]bool], into[[]string], into[[]*string], into[*[]string],
	into[[]word], into[[]time.Time], into[[]any], into[[][]byte], into[[]sql.NullString], into[[]netip.Prefix], into[[][]int], into[[][]string], into[[3]int32], into[[2][2]int],
	into[pgtype.FlatArray[int32]], into[pgtype.FlatArray[*string]], into[pgtype.FlatArray[byte]], into[pgtype.Array[int32]], into[pgtype.Array[*string]], into[[]pgtype.Numeric],
	into[pgtype.Range[pgtype.Int4]], into[pgtype.Range[pgtype.Numeric]], into[pgtype.Range[pgtype.Timestamptz]], into[pgtype.Range[pgtype.Date]],
	into[pgtype.Multirange[pgtype.Range[pgtype.Int4]]],
	into[map[string]any], into[map[string]string], into[map[string]*string], into[document], into[*document], into[pair], into[struct{}], into[[]document],
	into[[16]byte], into[uuid.UUID], into[*uuid.UUID], into[big.Int], into[netip.Addr], into[netip.Prefix], into[net.IP], into[net.IPNet], into[net.HardwareAddr],
	into[wordScanner], into[intScanner], into[floatScanner], into[boolScanner], into[bytesScanner], into[momentScanner], into[dayScanner],
	into[chan int], into[func()], into[complex128],
	func() any { return nil }, func() any { return "" },
	func() any { return (*int64)(nil) }, func() any { return (*keeper)(nil) }, func() any { return (*[]int32)(nil) }, func() any { return (**int32)(nil) },
	into[sql.RawBytes],
}

func into[T any]() any { return new(T) }

type (
	word     string
	moment   time.Time
	stamped  struct{ time.Time }
	document struct {
		A *int
		B any
	}
	pair struct {
		A int
		B string
	}
)

// keeper is a sql.Scanner.
type keeper struct{ Got string }

// Scan implements sql.Scanner.
func (k *keeper) Scan(v any) error { k.Got = show(v); return nil }

// What only pgx knows how to scan into.
type (
	wordScanner   struct{ Got pgtype.Text }
	intScanner    struct{ Got pgtype.Int8 }
	floatScanner  struct{ Got pgtype.Float8 }
	boolScanner   struct{ Got pgtype.Bool }
	bytesScanner  struct{ Got string }
	momentScanner struct{ Got pgtype.Timestamptz }
	dayScanner    struct{ Got pgtype.Date }
)

func (s *wordScanner) ScanText(v pgtype.Text) error                 { s.Got = v; return nil }
func (s *intScanner) ScanInt64(v pgtype.Int8) error                 { s.Got = v; return nil }
func (s *floatScanner) ScanFloat64(v pgtype.Float8) error           { s.Got = v; return nil }
func (s *boolScanner) ScanBool(v pgtype.Bool) error                 { s.Got = v; return nil }
func (s *bytesScanner) ScanBytes(v []byte) error                    { s.Got = show(v); return nil }
func (s *momentScanner) ScanTimestamptz(v pgtype.Timestamptz) error { s.Got = v; return nil }
func (s *dayScanner) ScanDate(v pgtype.Date) error                  { s.Got = v; return nil }

// scanDump scans the first column of each row into every destination, but for
// NULL into what pgx has no plan for: it then takes any type that has one, and
// which it finds first is chance.
func scanDump(ctx context.Context, q queryer, query string, args ...any) (out []string, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	unplanned := make(map[int]bool)
	for n := 0; rows.Next(); n++ {
		var any any
		err := rows.Scan(&any)
		null := err == nil && any == nil
		for i, dest := range scanned {
			if null && unplanned[i] {
				continue
			}
			d := dest()
			err := rows.Scan(d)
			if err != nil && strings.Contains(err.Error(), " format into ") {
				unplanned[i] = true
			}
			out = append(out, fmt.Sprintf("row %d into %T: %s, %v", n, d, show(d), err))
		}
	}
	return out, rows.Err()
}

const moods = `CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN posint AS int CHECK (VALUE > 0); CREATE TYPE pair AS (a int, b text)`

// numbers are those that the server begins to write in another way at, and
// types that pgx makes numbers of.
var numbers = []struct{ kind, values string }{
	{"float4", "(0.1), (0.0001), (0.00001), (999999), (1e6), (-1234567), (1e-30), (NULL)"},
	{"float8", "(0.0001), (0.00001), (999999), (1e6), (1e14), (123456789012345), (1e15), (-123456789012345680), (NULL)"},
	{"float8[]", "('{0.1,1e300,NaN,Infinity}'), (NULL)"},
	{"cid", "('7'), (NULL)"},
	{"xid", "('4294967295'), (NULL)"},
	{"int2vector", "('1 2'), (NULL)"},
}

// Every value gets into every destination, or does not, as with bare pgx.
func TestScan(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, moods)
	typed := slices.Concat(typed, numbers)
	for i, test := range typed {
		f.exec(f.bare, fmt.Sprintf("CREATE TABLE typed_%d (id serial, v %s)", i, test.kind))
		f.exec(f.bare, fmt.Sprintf("INSERT INTO typed_%d (v) VALUES %s", i, test.values))
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			f := &fixture{T: t, dsn: f.dsn, cache: f.cache}
			dsn := f.dsn + "?default_query_exec_mode=" + mode
			f.db, f.bare = f.connect(dsn), f.open("pgx", dsn)
			f.settle(other)
			for i, test := range typed {
				query := fmt.Sprintf("SELECT v FROM typed_%d ORDER BY id", i)
				want, err := scanDump(t.Context(), f.bare, query)
				if err != nil {
					t.Errorf("%s: %v", test.kind, err)
				}
				for _, how := range []string{"cold", "hot"} {
					ctx, res := querycache.WithResult(t.Context())
					got, err := scanDump(ctx, f.db, query)
					if err != nil {
						t.Errorf("%s: %v", test.kind, err)
					}
					if how == "hot" && res.Source() != querycache.Local {
						t.Errorf("%s: from %v (%s)", test.kind, res.Source(), res.Reason())
					}
					if test.kind == "timestamptz" && textOnly(mode) {
						got, want = slices.DeleteFunc(got, sentText), slices.DeleteFunc(slices.Clone(want), sentText)
					}
					differ(t, test.kind+", "+how, got, want)
				}
			}
		})
	}
}

func textOnly(mode string) bool { return mode == "exec" || mode == "simple_protocol" }

// sentText reports whether a scan shows the text that the server sent. In which
// zone that wrote a timestamptz is lost.
func sentText(scan string) bool {
	for _, dest := range []any{new(wordScanner), new(pgtype.DriverBytes), new(pgtype.PreallocBytes), new(pgtype.FlatArray[byte])} {
		if strings.Contains(scan, fmt.Sprintf(" into %T:", dest)) {
			return true
		}
	}
	return false
}

func differ(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d scans, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s:\n got %s\nwant %s", what, got[i], want[i])
		}
	}
}

// A pointer that points to itself is for nobody.
func TestScanRing(t *testing.T) {
	f := newFixture(t, nil)
	f.settle(other)
	for name, db := range map[string]*sql.DB{"bare": f.bare, "hot": f.db} {
		if err := db.QueryRow(other).Scan(new(ring)); err == nil || !strings.Contains(err.Error(), "cannot scan int4 (OID 23) in binary format into *postgres_test.ring") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type ring *ring
