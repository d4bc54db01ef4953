package fakedriver

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
)

// A set is one result set.
type set struct {
	columns []column
	rows    [][]driver.Value
	err     error  // instead of the end
	hang    *Event // Next waits for it after the last row
}

type column struct {
	name, typ        string
	scan             reflect.Type
	nullable         bool
	length           int64 // 0: does not apply
	precision, scale int64 // precision 0: do not apply
}

var idColumn = column{name: "id", typ: "BIGINT", scan: reflect.TypeFor[int64]()}

func textColumn(name string) column {
	return column{name: name, typ: "TEXT", scan: reflect.TypeFor[sql.NullString](), nullable: true, length: 80}
}

func tableSet(rows []Row) set {
	s := set{columns: []column{idColumn, textColumn("v"), {name: "version", typ: "BIGINT", scan: reflect.TypeFor[int64]()}}}
	for _, r := range rows {
		s.rows = append(s.rows, []driver.Value{r.ID, r.V, r.Version})
	}
	return s
}

func numbers(n int) set {
	s := set{columns: []column{idColumn, textColumn("v")}}
	for i := range n {
		s.rows = append(s.rows, []driver.Value{int64(i + 1), fmt.Appendf(nil, "row %d", i+1)})
	}
	return s
}

func argSet(args []driver.NamedValue) set {
	s := set{columns: []column{textColumn("name"), textColumn("type"), textColumn("value")}}
	for _, a := range args {
		s.rows = append(s.rows, []driver.Value{a.Name, fmt.Sprintf("%T", a.Value), fmt.Sprint(a.Value)})
	}
	return s
}

// elsewhere is a zone that is neither UTC nor Local, and always the same one.
var elsewhere = time.FixedZone("ELSE", 5*3600+1800)

// typeSet has every type of driver.Value, and some that drivers return
// nevertheless.
func typeSet() set {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)
	values := []driver.Value{
		nil, int64(-7), 1.5, true, []byte{0, 1, 0xff}, []byte{}, "text", "",
		at, at.In(elsewhere), at.Local(), uint64(1 << 63), float32(0.25), int32(9),
	}
	s := set{rows: [][]driver.Value{values}}
	for i, v := range values {
		c := column{name: fmt.Sprintf("c%d", i), typ: fmt.Sprintf("%T", v), scan: reflect.TypeOf(v), nullable: v == nil}
		switch v.(type) {
		case nil:
			c.scan = reflect.TypeFor[any]()
		case float64:
			c.precision, c.scale = 10, 2
		case []byte, string:
			c.length = int64(100 + i)
		}
		s.columns = append(s.columns, c)
	}
	return s
}
