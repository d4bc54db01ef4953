package querycache_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/querycache/querycache/internal/fakedriver"
)

var argScenarios = []scenario{
	{name: "argument types", run: func(p *play) {
		for _, arg := range argValues() {
			everyWay(p, echo, arg)
		}
	}},
	{name: "argument identity", run: func(p *play) {
		// Equal at first sight, and different answers all the same.
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		east := at.In(time.FixedZone("EAST", 3600))
		for range 2 {
			for _, arg := range []any{int64(7), "7", []byte("7"), 7.0, "", []byte{}, nil, 1, true, "true", at, east, at.String(), math.Copysign(0, -1), 0.0} {
				p.query(p.db, echo, arg)
			}
			p.query(p.db, echo2, "a", "b,c")
			p.query(p.db, echo2, "a,b", "c")
			p.query(p.db, echo2, "", "ab")
			p.query(p.db, echo2, "ab", "")
		}
	}},
	{name: "argument bytes are the caller's", run: func(p *play) {
		b := []byte("abc")
		for _, text := range []string{"abc", "xyz", "abc"} {
			copy(b, text)
			p.query(p.db, hinted("args(?, ?) FROM t"), 1, b)
			p.exec(p.db, update, b, 1)
			copy(b, "???")
			p.query(p.db, byID, 1)
		}
	}},
	{name: "number of arguments", run: func(p *play) {
		for _, args := range [][]any{nil, {1}, {1, 2}, {1, 2, 3}} {
			everyWay(p, byID, args...)
			everyWay(p, all, args...)
			everyWay(p, echo2, args...)
			p.exec(p.db, insert, args...)
		}
		p.table()
	}},
	{name: "named arguments", run: func(p *play) {
		named := hinted("* FROM t WHERE id = @id")
		for range 2 {
			everyWay(p, named, sql.Named("id", 1))
			everyWay(p, named, sql.Named("id", 2))
			everyWay(p, named, sql.Named("other", 1))
			everyWay(p, named, 1)
			everyWay(p, byID, sql.Named("id", 1))
			everyWay(p, echo2, sql.Named("a", "x"), sql.Named("b", "y"))
			everyWay(p, echo2, sql.Named("b", "x"), sql.Named("a", "y"))
			p.query(p.db, echo, sql.Named("", 1))
			p.query(p.db, echo, sql.Named("1st", 1))
			p.query(p.db, echo, sql.Named("a", fakedriver.Forbidden{}))
			p.query(p.db, echo, sql.Named("a", sql.Named("b", 1)))
		}
	}},
	{name: "removed arguments", run: func(p *play) {
		option := fakedriver.Option("simple")
		for range 2 {
			everyWay(p, all, option)
			everyWay(p, byID, option, 1)
			everyWay(p, byID, 1, option)
			everyWay(p, byID, option, option, 2)
			everyWay(p, byID, option)
			everyWay(p, byID, option, 1, 2)
			everyWay(p, echo2, "a", option, "b")
			everyWay(p, echo2, option, "a", fakedriver.Forbidden{})
			everyWay(p, echo2, option, []int64{1}, struct{}{})
		}
	}},
	{name: "valuers", run: func(p *play) {
		var nilValue *valueValuer
		var nilPointer *pointerValuer
		for range 2 {
			everyWay(p, echo, valueValuer("v"))
			everyWay(p, echo, nilValue)
			everyWay(p, echo, nilPointer)
			everyWay(p, echo, &pointerValuer{"p"})
			everyWay(p, echo, sql.NullString{String: "n", Valid: true})
			everyWay(p, echo, sql.NullInt64{})
			everyWay(p, echo, sql.Null[time.Time]{V: time.Unix(1, 0).UTC(), Valid: true})
			everyWay(p, echo, failingValuer{})
			everyWay(p, echo, badValuer{})
			everyWay(p, echo2, "x", failingValuer{})
		}
	}},
	{name: "panicking valuer", leaks: true, run: func(p *play) {
		p.try("query", func() { p.query(p.db, echo, panickingValuer{}) })
		p.try("exec", func() { p.exec(p.db, insert, 5, panickingValuer{}) })
		p.table()
	}},
	{name: "output parameters", run: func(p *play) {
		var out string
		p.exec(p.db, update, sql.Out{Dest: &out}, 1)
		p.query(p.db, echo, sql.Out{Dest: &out})
	}},
}

// argValues are arguments good and bad.
func argValues() []any {
	n, text := 5, "five"
	var noInt *int
	var noTime *time.Time
	return []any{
		7, int8(7), int16(7), int32(7), int64(7), uint(7), uint8(7), uint64(7), uint64(math.MaxUint64),
		int64(math.MaxInt32) + 1, float32(0.5), 0.1, math.NaN(), true, "7", "text", []byte("bytes"), []byte{}, []byte(nil), nil,
		time.Unix(0, 7).UTC(), time.Unix(0, 7).In(time.FixedZone("X", 60)), time.Hour,
		named("name"), namedBytes("nb"), &n, &text, noInt, noTime, new(any),
		json.RawMessage(`{"a":1}`), [2]int{1, 2}, []int64{1, 2}, []string{"a"}, map[string]int{}, struct{ A int }{1},
		make(chan int, 1) == nil, complex(1, 2), fakedriver.Point{X: 1, Y: 2}, &fakedriver.Point{X: 3, Y: 4}, fakedriver.Forbidden{}, errTest,
		fakedriver.Option("o"), sql.RawBytes("raw"),
	}
}

// everyWay sends a read in all the ways there are.
func everyWay(p *play, text string, args ...any) {
	p.say("with %d arguments, the first %s", len(args), first(args))
	p.query(p.db, text, args...)
	p.exec(p.db, text, args...)
	conn := p.conn()
	p.query(conn, text, args...)
	p.err("conn", conn.Close())
	tx := p.begin()
	p.query(tx, text, args...)
	stmt, err := tx.Prepare(text)
	p.err("prepare", err)
	if err == nil {
		rows, err := stmt.Query(args...)
		p.rows("tx stmt", rows, err)
	}
	p.err("tx", tx.Commit())
	stmt, err = p.db.Prepare(text)
	p.err("prepare", err)
	if err != nil {
		return
	}
	rows, err := stmt.Query(args...)
	p.rows("stmt", rows, err)
	res, err := stmt.Exec(args...)
	p.result("stmt", res, err)
	p.err("stmt", stmt.Close())
}

func first(args []any) string {
	if len(args) == 0 {
		return "none"
	}
	return fmt.Sprintf("%T", args[0])
}

type (
	named      string
	namedBytes []byte

	valueValuer     string
	pointerValuer   struct{ s string }
	failingValuer   struct{}
	badValuer       struct{}
	panickingValuer struct{}
)

var errValuer = errors.New("the valuer fails")

func (v valueValuer) Value() (driver.Value, error)   { return string(v), nil }
func (failingValuer) Value() (driver.Value, error)   { return nil, errValuer }
func (badValuer) Value() (driver.Value, error)       { return []int{1}, nil }
func (panickingValuer) Value() (driver.Value, error) { panic("the valuer panics") }
func (v *pointerValuer) Value() (driver.Value, error) {
	if v == nil {
		return "nil pointer", nil
	}
	return v.s, nil
}
