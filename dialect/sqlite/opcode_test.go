package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

// TestOpcodes asks SQLite itself which tables the programs of generated
// statements open, triggers and foreign keys included: each of them must be
// in the resolution. The other way round says nothing, as the planner leaves
// out what cannot matter.
func TestOpcodes(t *testing.T) {
	db := open(t, schema)
	db.exec("PRAGMA foreign_keys = 1; PRAGMA recursive_triggers = 1")
	catalog := db.load()
	roots := make(map[int64]string)
	for _, row := range db.rows("SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0") {
		roots[row[0].(int64)] = tag(dialect.Fold(row[1].(string)))
	}
	g := generator{Rand: rand.New(rand.NewPCG(1, 2))}
	valid := map[dialect.Kind]int{}
	var invalid []string
	for range 900 {
		text := g.statement()
		opened, written, ok := opcodes(db, text, roots)
		if !ok {
			invalid = append(invalid, text)
			continue
		}
		st := Dialect().Parse(text)
		res := catalog.Resolve(st, dialect.Session{})
		valid[st.Kind]++
		switch st.Kind {
		case dialect.Read:
			if len(written) > 0 {
				t.Errorf("%s: a read, but writes %q", text, written)
			}
			if res.Refuse != "" && res.Refuse != dialect.ReasonNoRelation {
				continue
			}
			for _, name := range opened {
				if name != "" && !slices.Contains(res.Reads, name) {
					t.Errorf("%s: reads %q, misses %s", text, res.Reads, name)
				}
			}
		case dialect.Write:
			if res.Everything != "" {
				continue
			}
			for _, name := range written {
				if name != "" && !slices.Contains(res.Writes, name) {
					t.Errorf("%s: writes %q, misses %s", text, res.Writes, name)
				}
			}
		default:
			t.Errorf("%s: %v", text, st.Kind)
		}
	}
	if valid[dialect.Read] < 400 || valid[dialect.Write] < 400 {
		t.Errorf("only %v of the statements are valid, the test says too little; not %q", valid, invalid)
	}
}

// opcodes returns the tables that a statement's program opens, and those that
// it may write; system tables are left out.
func opcodes(db *database, text string, roots map[int64]string) (opened, written []string, ok bool) {
	var rows [][]driver.Value
	db.raw(func(c driver.Conn) error {
		var err error
		rows, err = dialect.Query(context.Background(), c, "EXPLAIN "+text)
		ok = err == nil
		return nil
	})
	for _, row := range rows {
		op, p1, p2, p3 := row[1].(string), row[2].(int64), row[3].(int64), row[4].(int64)
		root, database := p2, p3
		switch op {
		case "OpenRead", "ReopenIdx", "OpenWrite":
		case "Clear":
			root, database = p1, p2
		default:
			continue
		}
		name := roots[root]
		if database != 0 || strings.Contains(name, "sqlite_") {
			continue // "" is sqlite_schema itself
		}
		opened = append(opened, name)
		if op == "OpenWrite" || op == "Clear" {
			written = append(written, name)
		}
	}
	return opened, written, ok
}

// A generator makes statements over the schema of the tests.
type generator struct {
	*rand.Rand
	ctes int // WITH clauses around
}

func (g *generator) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) table() string {
	return g.pick("authors", "Books", "pages", "notes", "loans", "slots", "uses", "log", "log_gone",
		`"odd name"`, "counted", "counts", "ping", "pong", "main.books", "[loans]")
}

func (g *generator) source(depth int) string {
	switch n := g.IntN(10); {
	case n < 4 || depth <= 0:
		return g.table()
	case n < 6:
		if g.ctes > 0 {
			return g.pick("c", "d")
		}
		return g.pick("catalogue", "shelf", "items", "entry")
	case n < 7:
		return "json_each('[1]')"
	default:
		return "(" + g.query(depth-1) + ")"
	}
}

func (g *generator) expr(depth int) string {
	if depth <= 0 {
		return g.pick("1", "2", "'x'", "NULL")
	}
	e := func() string { return g.expr(depth - 1) }
	switch g.IntN(9) {
	case 0:
		return e() + g.pick(" = ", " < ", " AND ", " LIKE ", " || ") + e()
	case 1:
		return "(" + g.query(depth-1) + " LIMIT 1)"
	case 2:
		return "EXISTS (" + g.query(depth-1) + ")"
	case 3:
		return "1 IN (" + g.query(depth-1) + ")"
	case 4:
		return "1 IN " + g.pick("uses", "log_gone", "counted", "ping")
	case 5:
		return "CASE WHEN " + e() + " THEN " + e() + " ELSE " + e() + " END"
	case 6:
		return g.pick("lower", "abs", "typeof") + "(" + e() + ")"
	case 7:
		return "coalesce(" + e() + ", " + e() + ")"
	}
	return g.pick("1", "2", "'x'", "NULL")
}

func (g *generator) query(depth int) string {
	q := ""
	if g.IntN(4) == 0 {
		q = fmt.Sprintf("WITH %s c AS (%s), d(x) AS (%s) ", g.pick("", "RECURSIVE"), g.query(depth-1), g.query(depth-1))
		g.ctes++
		defer func() { g.ctes-- }()
	}
	q += "SELECT " + g.expr(depth) + " AS x"
	if g.IntN(8) > 0 {
		q += " FROM " + g.source(depth)
		for range g.IntN(3) {
			q += g.pick(" JOIN ", ", ", " LEFT JOIN ", " CROSS JOIN ") + g.source(depth)
		}
	}
	if g.IntN(2) == 0 {
		q += " WHERE " + g.expr(depth)
	}
	if depth > 0 && g.IntN(5) == 0 {
		q += g.pick(" UNION ", " UNION ALL ", " EXCEPT ") + "SELECT " + g.expr(depth-1) + " FROM " + g.source(depth-1)
	}
	return q
}

// columns are the numbers of columns of tables and views that are written.
var columns = map[string][]string{
	"authors": {"id", "name", "boss"}, "books": {"id", "author", "title"}, "pages": {"book", "nr"},
	"notes": {"id", "book"}, "loans": {"id", "book", "since"}, "slots": {"id", "a"}, "uses": {"slot"},
	"log": {"id", "what"}, "log_gone": {"what"}, "counted": {"a"}, "counts": {"a", "n"},
	"ping": {"a"}, "pong": {"a"}, "entry": {"title", "name"},
}

func (g *generator) statement() string {
	if g.IntN(2) == 0 {
		return g.query(2)
	}
	names := make([]string, 0, len(columns))
	for name := range columns {
		names = append(names, name)
	}
	slices.Sort(names)
	name := g.pick(names...)
	column := g.pick(columns[name]...)
	with := g.pick("", "", "WITH c AS ("+g.query(1)+"), d AS (SELECT 1 AS x) ")
	if with != "" {
		g.ctes++
		defer func() { g.ctes-- }()
	}
	switch g.IntN(3) {
	case 0:
		values := make([]string, len(columns[name]))
		for i := range values {
			values[i] = g.expr(1)
		}
		verb := g.pick("INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE")
		upsert := g.pick("", "", " ON CONFLICT DO NOTHING", " ON CONFLICT DO UPDATE SET "+column+" = "+g.expr(1))
		return with + verb + " INTO " + name + " SELECT " + strings.Join(values, ", ") + " WHERE " + g.expr(1) + upsert
	case 1:
		verb := g.pick("UPDATE ", "UPDATE OR REPLACE ", "UPDATE OR FAIL ")
		return with + verb + name + " SET " + column + " = " + g.expr(1) + g.pick("", " WHERE "+g.expr(1)) + g.pick("", " RETURNING "+g.expr(1))
	}
	return with + "DELETE FROM " + name + g.pick("", " WHERE "+g.expr(1))
}
