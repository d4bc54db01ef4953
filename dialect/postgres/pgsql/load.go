package pgsql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/querycache/querycache/dialect"
)

// The catalog in seven queries, of which these look at relations. Values are text, so that every driver returns
// them alike.
const (
	relationsQuery = `SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
 c.relrowsecurity::text, COALESCE(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)::text,
 EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')::text,
 EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled <> 'D')::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname !~ '^pg_(toast|temp)'`

	childrenQuery = `SELECT inhparent::text, inhrelid::text FROM pg_catalog.pg_inherits`

	cascadesQuery = `SELECT confrelid::text, pg_catalog.bool_or(confupdtype IN ('c', 'n', 'd'))::text,
 pg_catalog.bool_or(confdeltype IN ('c', 'n', 'd'))::text
FROM pg_catalog.pg_constraint WHERE contype = 'f' GROUP BY confrelid`
)

// Load implements [dialect.Prober].
func (Dialect) Load(ctx context.Context, conn driver.Conn) (dialect.Catalog, error) {
	l := loader{ctx: ctx, conn: conn, byOID: make(map[string]*relation), c: &catalog{
		schemas: make(map[string]map[string]*relation), byName: make(map[string][]*relation),
		routines: make(map[dialect.Table]routine), ofRow: make(map[string]routine), ofValue: make(map[string]routine),
	}}
	for _, part := range []struct {
		query   string
		columns int
		row     func(row []string)
	}{
		{relationsQuery, 9, l.relation},
		{childrenQuery, 2, l.child},
		{viewsQuery, 4, l.view},
		{cascadesQuery, 3, l.cascade},
		{routinesQuery, 8, l.routine},
		{builtinsQuery, 2, l.builtin},
		{hiddenQuery, 5, l.hidden},
	} {
		if err := l.each(part.query, part.columns, part.row); err != nil {
			return nil, err
		}
	}
	if err := l.useTypes(); err != nil {
		return nil, err
	}
	for _, rel := range l.byOID {
		if root := l.byOID[rel.root]; root != nil {
			rel.tag = root.name.String()
			if root != rel {
				rel.up = append(rel.up, root)
			}
		}
	}
	l.c.summarise()
	return l.c, nil
}

type loader struct {
	ctx   context.Context
	conn  driver.Conn
	c     *catalog
	byOID map[string]*relation
	types []typeUse
}

func (l *loader) each(query string, columns int, visit func([]string)) error {
	rows, err := dialect.Query(l.ctx, l.conn, query)
	if err != nil {
		return err
	}
	for _, row := range rows {
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = dialect.Text(v)
		}
		if len(texts) != columns {
			return fmt.Errorf("querycache: pgsql: the catalog answered %d columns, expected %d", len(texts), columns)
		}
		visit(texts)
	}
	return nil
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
