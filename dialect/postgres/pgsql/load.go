package pgsql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/querycache/querycache/dialect"
)

// The catalog in seven queries. Values are text, so that every driver returns
// them alike.
const (
	relationsQuery = `SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
 c.relrowsecurity::text, COALESCE(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)::text,
 EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')::text,
 EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled <> 'D')::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname !~ '^pg_(toast|temp)'`

	childrenQuery = `SELECT inhparent::text, inhrelid::text FROM pg_catalog.pg_inherits`

	viewsQuery = `SELECT DISTINCT r.ev_class::text, d.refobjid::text
FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
 AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class
WHERE r.ev_type = '1' AND c.relkind = 'v' AND c.oid >= 16384`

	// What stands in a view is found in its tree: built-in functions are not
	// in pg_depend.
	bodiesQuery = `SELECT c.oid::text, COALESCE(n.nspname::text, ''), COALESCE(p.proname::text, ''),
 (r.ev_action::text ~ 'SQLVALUEFUNCTION|NEXTVALUEEXPR|TABLESAMPLECLAUSE|:hasForUpdate true')::text
FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
LEFT JOIN LATERAL (SELECT DISTINCT m[1]::oid AS oid
 FROM pg_catalog.regexp_matches(r.ev_action::text, ':(?:opfuncid|funcid|aggfnoid|winfnoid) (\d+)', 'g') AS m) AS f ON true
LEFT JOIN pg_catalog.pg_proc p ON p.oid = f.oid AND p.provolatile <> 'i'
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE r.ev_type = '1' AND c.relkind = 'v' AND c.oid >= 16384`

	cascadesQuery = `SELECT confrelid::text, pg_catalog.bool_or(confupdtype IN ('c', 'n', 'd'))::text,
 pg_catalog.bool_or(confdeltype IN ('c', 'n', 'd'))::text
FROM pg_catalog.pg_constraint WHERE contype = 'f' GROUP BY confrelid`

	// An aggregate is what the functions behind it are: its own volatility
	// says nothing. A cast that is volatile may stand behind any expression.
	routinesQuery = `WITH f AS (SELECT p.oid, n.nspname, p.proname, p.provolatile,
  p.provolatile = 'v' AND NOT (l.lanname IN ('c', 'internal') AND
   EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')) AS writes
 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')),
all_of_them AS (SELECT nspname, proname, provolatile, writes FROM f
 UNION ALL
 SELECT a.nspname, a.proname, f.provolatile, f.writes FROM f AS a JOIN pg_catalog.pg_aggregate g ON g.aggfnoid = a.oid
 JOIN f ON f.oid IN (g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn))
SELECT 'routine', nspname::text, proname::text,
 pg_catalog.max(CASE provolatile WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END)::text, pg_catalog.bool_or(writes)::text
FROM all_of_them GROUP BY 2, 3
UNION ALL
SELECT 'cast', '', '', '2', 'false' FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
WHERE c.oid >= 16384 AND p.provolatile = 'v'
UNION ALL
SELECT 'operator', '', o.oprname::text, pg_catalog.max(CASE p.provolatile WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END)::text, 'false'
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode WHERE o.oid >= 16384 GROUP BY 3`

	builtinsQuery = `SELECT pg_catalog.string_agg(DISTINCT proname::text, ' ') FROM pg_catalog.pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace`
)

// Load implements [dialect.Prober].
func (Dialect) Load(ctx context.Context, conn driver.Conn) (dialect.Catalog, error) {
	l := loader{ctx: ctx, conn: conn, byOID: make(map[string]*relation), c: &catalog{
		schemas: make(map[string]map[string]*relation), byName: make(map[string][]*relation),
		routines: make(map[dialect.Table]routine),
	}}
	for _, part := range []struct {
		query   string
		columns int
		row     func(row []string)
	}{
		{relationsQuery, 9, l.relation},
		{childrenQuery, 2, l.child},
		{viewsQuery, 2, l.view},
		{bodiesQuery, 4, l.body},
		{cascadesQuery, 3, l.cascade},
		{routinesQuery, 5, l.routine},
		{builtinsQuery, 1, func(row []string) { l.c.builtins = nameSet(row[0]) }},
	} {
		if err := l.each(part.query, part.columns, part.row); err != nil {
			return nil, err
		}
	}
	for _, rel := range l.byOID {
		if root := l.byOID[rel.root]; root != nil {
			rel.tag = root.name.String()
			if root != rel {
				rel.up = append(rel.up, root)
			}
		}
	}
	return l.c, nil
}

type loader struct {
	ctx   context.Context
	conn  driver.Conn
	c     *catalog
	byOID map[string]*relation
}

func (l *loader) each(query string, columns int, visit func([]string)) error {
	rows, err := dialect.Query(l.ctx, l.conn, query)
	if err != nil {
		return err
	}
	for _, row := range rows {
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = text(v)
		}
		if len(texts) != columns {
			return fmt.Errorf("querycache: pgsql: the catalog answered %d columns, expected %d", len(texts), columns)
		}
		visit(texts)
	}
	return nil
}

// text returns a value of type text, which drivers give as a string or bytes.
func text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

func (l *loader) relation(row []string) {
	rel := &relation{
		name: dialect.Table{Schema: row[1], Name: row[2]}, root: row[6], kind: row[3],
		rowSecurity: row[5] == "true", triggers: row[7] == "true", rules: row[8] == "true",
	}
	switch {
	case row[1] == "pg_catalog" || row[1] == "information_schema":
		rel.refuse = dialect.ReasonSystemTable
	case row[3] == "f":
		rel.refuse = dialect.ReasonForeign
	case row[4] == "u":
		rel.refuse = dialect.ReasonUnlogged
	case row[4] != "p":
		rel.refuse = dialect.ReasonTempTable
	}
	l.byOID[row[0]] = rel
	schema := l.c.schemas[row[1]]
	if schema == nil {
		schema = make(map[string]*relation)
		l.c.schemas[row[1]] = schema
	}
	schema[row[2]] = rel
	if rel.refuse != dialect.ReasonSystemTable {
		l.c.byName[row[2]] = append(l.c.byName[row[2]], rel)
	}
}

func (l *loader) child(row []string) {
	parent, child := l.byOID[row[0]], l.byOID[row[1]]
	if parent != nil && child != nil {
		parent.children = append(parent.children, child)
		child.up = append(child.up, parent)
	}
}

func (l *loader) view(row []string) {
	view := l.byOID[row[0]]
	if view == nil {
		return
	}
	if base := l.byOID[row[1]]; base != nil {
		view.bases = append(view.bases, base)
	} else {
		view.body = dialect.ReasonUnknownTable // a sequence, or something newer
	}
}

func (l *loader) body(row []string) {
	view := l.byOID[row[0]]
	switch {
	case view == nil:
	case row[3] == "true":
		view.body = dialect.ReasonSessionFunc
	case row[1] == "pg_catalog":
		view.functions = append(view.functions, dialect.Table{Name: row[2]}.String())
	case row[1] != "":
		view.functions = append(view.functions, dialect.Table{Schema: row[1], Name: row[2]}.String())
	}
}

func (l *loader) cascade(row []string) {
	rel := l.byOID[row[0]]
	if rel == nil {
		return
	}
	if row[1] == "true" {
		rel.cascades |= dialect.Update
	}
	if row[2] == "true" {
		rel.cascades |= dialect.Delete
	}
}

func (l *loader) routine(row []string) {
	r := routine{volatility: row[3][0] - '0', writes: row[4] == "true"}
	switch row[0] {
	case "cast":
		l.c.shadowed = true
	case "operator":
		l.c.routine(dialect.Table{Name: operatorName(row[2])}, r)
		l.c.shadowed = l.c.shadowed || r.volatility > 0 && plainOperators[row[2]]
	default:
		l.c.routine(dialect.Table{Schema: row[1], Name: row[2]}, r)
		l.c.routine(dialect.Table{Name: row[2]}, r)
	}
}

// routine notes the worst of those that share a name.
func (c *catalog) routine(name dialect.Table, r routine) {
	old := c.routines[name]
	c.routines[name] = routine{volatility: max(old.volatility, r.volatility), writes: old.writes || r.writes}
}
