package pgsql

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

const explainSchema = `
CREATE SCHEMA s;
CREATE TABLE a (id int PRIMARY KEY, v int, w text);
CREATE TABLE b (id int PRIMARY KEY, v int, w text);
CREATE TABLE c (id int PRIMARY KEY, v int, w text);
CREATE TABLE d (id int PRIMARY KEY, v int, w text);
CREATE TABLE s.a (id int PRIMARY KEY, v int, w text);
CREATE TABLE "Odd ""Name" (id int PRIMARY KEY, v int, w text);
CREATE TABLE part (id int PRIMARY KEY, v int, w text) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (MINVALUE) TO (5);
CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (5) TO (MAXVALUE);
CREATE TABLE up (id int PRIMARY KEY, v int, w text);
CREATE TABLE down (extra int) INHERITS (up);
CREATE VIEW va AS SELECT * FROM a;
CREATE VIEW vab AS SELECT va.id, b.v, s.a.w FROM va JOIN b USING (id) JOIN s.a ON s.a.id = b.id;
CREATE MATERIALIZED VIEW m AS SELECT * FROM c;
`

// TestExplain asks the server which relations generated statements touch: each
// of them must be in the resolution, and each that is modified among the
// writes. The other way round says nothing, as the planner leaves out what
// cannot matter. QUERYCACHE_TEST_EXPLAIN is the number of statements.
func TestExplain(t *testing.T) {
	n := 1500
	if v := os.Getenv("QUERYCACHE_TEST_EXPLAIN"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatalf("QUERYCACHE_TEST_EXPLAIN is %q, expected a number", v)
		}
	}
	db := open(t, explainSchema)
	snap := db.load().(*catalog)
	_, session := db.probe()
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
	valid, refused := map[dialect.Kind]int{}, 0
	for range n {
		text := g.mutate(g.statement())
		touched, modified, ok := db.explain(text)
		if !ok {
			continue
		}
		st := Dialect{}.Parse(text)
		res := snap.Resolve(st, session)
		valid[st.Kind]++
		if st.Refuse == dialect.ReasonUnparsable {
			refused++
			continue
		}
		if res.Everything != "" {
			continue
		}
		known := slices.Concat(res.Reads, res.Writes)
		if st.Kind == dialect.Write {
			// What a write only reads does not matter.
			for _, r := range st.Reads {
				tags, _ := snap.Tags(r, session)
				known = append(known, tags...)
			}
		}
		for _, name := range touched {
			if tag := snap.tagOf(name); !slices.Contains(known, tag) {
				t.Errorf("%s:\n%v touches %q, misses %s", text, st.Kind, known, tag)
			}
		}
		for _, name := range modified {
			if tag := snap.tagOf(name); !slices.Contains(res.Writes, tag) {
				t.Errorf("%s:\n%v writes %q, misses %s", text, st.Kind, res.Writes, tag)
			}
		}
	}
	t.Logf("valid: %v, refused by the parser: %d", valid, refused)
	if valid[dialect.Read] < n/8 || valid[dialect.Write] < n/8 || refused > n/100 {
		t.Errorf("valid: %v, refused by the parser: %d: the test says too little", valid, refused)
	}
}

func (c *catalog) tagOf(name [2]string) string {
	if rel := c.schemas[name[0]][name[1]]; rel != nil {
		return rel.tag
	}
	return fmt.Sprint("unknown ", name)
}

// explain returns the relations in the plan of a statement, and those that it
// modifies.
func (d *database) explain(text string) (touched, modified [][2]string, ok bool) {
	var plan string
	if err := d.QueryRowContext(context.Background(), "EXPLAIN (VERBOSE, FORMAT JSON) "+text).Scan(&plan); err != nil {
		return nil, nil, false
	}
	var tree any
	if err := json.Unmarshal([]byte(plan), &tree); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
	var visit func(node any, modifies bool)
	visit = func(node any, modifies bool) {
		switch n := node.(type) {
		case []any:
			for _, x := range n {
				visit(x, modifies)
			}
		case map[string]any:
			modifies = n["Node Type"] == "ModifyTable" || modifies && n["Node Type"] == nil
			if name, is := n["Relation Name"].(string); is {
				relation := [2]string{n["Schema"].(string), name}
				touched = append(touched, relation)
				if modifies {
					modified = append(modified, relation)
				}
			}
			for key, x := range n {
				visit(x, modifies && key == "Target Tables")
			}
		}
	}
	visit(tree, false)
	return touched, modified, true
}

// A generator makes statements over the schema.
type generator struct{ *rand.Rand }

func (g *generator) pick(of ...string) string { return of[g.IntN(len(of))] }

var tableNames = []string{"a", "b", "c", "d", "s.a", `"Odd ""Name"`, "part", "part_low", "up", "down", "public.a", "ONLY up"}

func (g *generator) table() string { return g.pick(tableNames...) }

func (g *generator) source(depth int) string {
	switch n := g.IntN(12); {
	case n < 5 || depth <= 0:
		return g.table()
	case n < 7:
		return g.pick("va", "vab", "m", "a", "b", "c")
	case n < 8:
		return "LATERAL (" + g.query(depth-1) + ")"
	case n < 9:
		return "(VALUES (1, 2, 'x'), (2, (" + g.scalar(depth-1) + "), 'y'))"
	case n < 10:
		return "generate_series(1, (" + g.scalar(depth-1) + "))"
	}
	return "(" + g.query(depth-1) + ")"
}

func (g *generator) scalar(depth int) string {
	return "SELECT " + g.pick("count(*)", "max(1)", "min(2)") + "::int FROM " + g.table() + g.pick("", " WHERE "+g.expr(depth-1))
}

func (g *generator) expr(depth int) string {
	if depth <= 0 {
		return g.pick("true", "1 = 2", "random() < 2")
	}
	e := func() string { return g.expr(depth - 1) }
	switch g.IntN(8) {
	case 0:
		return "(" + e() + g.pick(" AND ", " OR ") + e() + ")"
	case 1:
		return "EXISTS (" + g.query(depth-1) + ")"
	case 2:
		return "1 = (" + g.scalar(depth) + ")"
	case 3:
		return "1 IN (SELECT x.id FROM " + g.table() + " AS x)"
	case 4:
		return "CASE WHEN " + e() + " THEN " + e() + " ELSE " + e() + " END"
	case 5:
		return "2 = ANY (ARRAY(SELECT v FROM " + g.table() + "))"
	}
	return "NOT " + e()
}

// with makes CTEs whose names hide tables.
func (g *generator) with(depth int) string {
	if depth <= 0 || g.IntN(3) > 0 {
		return ""
	}
	body := func() string {
		if g.IntN(5) == 0 {
			return g.change(depth-1) + " RETURNING id, v, w"
		}
		return g.query(depth - 1)
	}
	return fmt.Sprintf("WITH %s%s AS (%s), %s AS (%s) ", g.pick("", "RECURSIVE "), g.pick("a", "b", "x"), body(), g.pick("c", "d", "y"), body())
}

func (g *generator) query(depth int) string {
	q := g.with(depth) + "SELECT 1 AS id, 2 AS v, 'z' AS w FROM " + g.source(depth) + " AS q1"
	for i := range g.IntN(3) {
		q += g.pick(", ", " CROSS JOIN ") + g.source(depth) + fmt.Sprint(" AS j", i)
	}
	if g.IntN(3) == 0 {
		q += " LEFT JOIN " + g.source(depth) + " AS l ON " + g.expr(depth-1)
	}
	if g.IntN(2) == 0 {
		q += " WHERE " + g.expr(depth)
	}
	if depth > 0 && g.IntN(5) == 0 {
		q += g.pick(" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT ") + "SELECT id, v, w FROM " + g.table()
	}
	if g.IntN(6) == 0 {
		q += " LIMIT (" + g.scalar(depth-1) + ")"
	}
	return q
}

func (g *generator) change(depth int) string {
	table := g.pick("a", "b", "c", "d", "s.a", "part", "part_high", "up", "down", "va", `"Odd ""Name"`)
	switch g.IntN(4) {
	case 0:
		return "INSERT INTO " + table + " (id, v, w) " + g.query(depth-1) + g.pick("", " ON CONFLICT DO NOTHING")
	case 1:
		return "UPDATE " + table + " SET v = (" + g.scalar(depth-1) + ")" + g.pick("", " FROM "+g.source(depth-1)+" AS f") + " WHERE " + g.expr(depth-1)
	case 2:
		return "DELETE FROM " + table + g.pick("", " USING "+g.source(depth-1)+" AS u") + " WHERE " + g.expr(depth-1)
	}
	return "INSERT INTO " + table + " (id, v, w) VALUES ((" + g.scalar(depth-1) + "), 1, 'x')"
}

func (g *generator) statement() string {
	switch g.IntN(5) {
	case 0, 1:
		return g.query(2)
	case 2:
		table := g.pick("a", "b", "c", "d")
		return g.with(2) + "MERGE INTO " + table + " AS t USING " + g.source(1) + " AS u ON " + g.expr(1) +
			" WHEN MATCHED THEN " + g.pick("DELETE", "UPDATE SET v = 1") + " WHEN NOT MATCHED THEN INSERT (id) VALUES (1)"
	}
	return g.with(2) + g.change(2)
}

// mutate swaps, doubles or drops a word now and then: some of what comes out
// is still a statement, of a shape that nobody would have thought of.
func (g *generator) mutate(text string) string {
	if g.IntN(3) > 0 {
		return text
	}
	words := strings.Fields(text)
	i, j := g.IntN(len(words)), g.IntN(len(words))
	switch g.IntN(3) {
	case 0:
		words[i], words[j] = words[j], words[i]
	case 1:
		words = slices.Insert(words, i, words[j])
	default:
		words = slices.Delete(words, i, i+1)
	}
	return strings.Join(words, " ")
}
