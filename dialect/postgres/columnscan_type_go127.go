//go:build go1.27

package postgres

import (
	"database/sql/driver"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.ColumnScanner = postgres{}

// ColumnScans implements [dialect.ColumnScanner] for connections of pgx itself.
// It knows the types that pgx knows and those that nobody has told it of. A
// type that the program has registered on the connection, or has given another
// codec, it does not: a codec may be anything.
func (postgres) ColumnScans(conn driver.Conn, args []driver.NamedValue, types []string) []dialect.ColumnScan {
	c, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil
	}
	text, ok := textOnly(c.Conn(), args)
	if !ok {
		return nil
	}
	theirs, ours := c.Conn().TypeMap(), typeMaps.Get().(*pgtype.Map)
	defer typeMaps.Put(ours)
	if !slices.EqualFunc(theirs.TryWrapScanPlanFuncs, ours.TryWrapScanPlanFuncs, sameFunc) {
		return nil
	}
	scans := make([]dialect.ColumnScan, len(types))
	for i, name := range types {
		oid, ok := oidOf(name, theirs, ours)
		if !ok {
			return nil
		}
		column := column{oid: oid, format: pgtype.TextFormatCode}
		if !text && sentBinary[oid] {
			column.format = pgtype.BinaryFormatCode
		}
		scans[i] = column.scan
	}
	return scans
}

// sentBinary are the types that stdlib asks for in the binary format
// (databaseSQLResultFormats in stdlib/sql.go). All others come as text.
var sentBinary = map[uint32]bool{
	pgtype.BoolOID: true, pgtype.ByteaOID: true, pgtype.CIDOID: true, pgtype.DateOID: true,
	pgtype.Float4OID: true, pgtype.Float8OID: true,
	pgtype.Int2OID: true, pgtype.Int4OID: true, pgtype.Int8OID: true, pgtype.OIDOID: true,
	pgtype.TimestampOID: true, pgtype.TimestamptzOID: true, pgtype.XIDOID: true,
}

// textOnly reports whether the query runs in a mode in which pgx knows no types
// before the answer, so that all of it comes as text. It is not ok if arguments
// choose the formats. (A statement that was prepared on the connection has types
// in these modes too. To take it for one that was not changes the words of
// errors.)
func textOnly(c *pgx.Conn, args []driver.NamedValue) (text, ok bool) {
	mode := c.Config().DefaultQueryExecMode
	for _, arg := range args { // as in Query of conn.go
		switch arg := arg.Value.(type) {
		case pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
			return false, false
		case pgx.QueryExecMode:
			mode = arg
			continue
		case pgx.QueryRewriter:
			continue
		}
		break
	}
	return mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol, true
}

// oidOf returns the type that stdlib gives this name: the upper-cased one that
// the connection's map has, or the OID if it has none. That a program has
// registered "Date" is not told from its having done nothing.
func oidOf(name string, theirs, ours *pgtype.Map) (uint32, bool) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		_, registered := theirs.TypeForName(name)
		return uint32(n), !registered
	}
	t, ok := ours.TypeForName(strings.ToLower(name))
	if !ok {
		return 0, false
	}
	named, _ := theirs.TypeForName(t.Name)
	return t.OID, named == t && same(t, theirs)
}

// same reports whether a map has this very type, down to its elements.
func same(t *pgtype.Type, m *pgtype.Map) bool {
	if found, _ := m.TypeForOID(t.OID); found != t {
		return false
	}
	switch c := t.Codec.(type) {
	case *pgtype.ArrayCodec:
		return same(c.ElementType, m)
	case *pgtype.RangeCodec:
		return same(c.ElementType, m)
	case *pgtype.MultirangeCodec:
		return same(c.ElementType, m)
	}
	return true
}

func sameFunc(a, b pgtype.TryWrapScanPlanFunc) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}
