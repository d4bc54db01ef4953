package pgsql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/querycache/querycache/dialect"
)

// The catalog in several queries, of which these look at relations. Values are text, so that every driver returns
// them alike.
const (
	relationsQuery = `SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
 c.relrowsecurity::text, COALESCE(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname !~ '^pg_(toast|temp)'`

	sequencesQuery = `SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND n.nspname !~ '^pg_temp'`

	childrenQuery = `SELECT inhparent::text, inhrelid::text FROM pg_catalog.pg_inherits`
)

// Load implements [dialect.Prober]. It reads in one snapshot, so that what it
// reads belongs together, and without compiling queries, which takes longer than
// to run them.
func (Dialect) Load(ctx context.Context, conn driver.Conn) (c dialect.Catalog, err error) {
	if _, err := dialect.Query(ctx, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return nil, err
	}
	defer func() {
		if _, ending := dialect.Query(ctx, conn, "ROLLBACK"); err == nil && ending != nil {
			c, err = nil, ending
		}
	}()
	if _, err := dialect.Query(ctx, conn, "SELECT pg_catalog.set_config(name, 'off', true) FROM pg_catalog.pg_settings WHERE name = 'jit'"); err != nil {
		return nil, err
	}
	return load(ctx, conn)
}

func load(ctx context.Context, conn driver.Conn) (dialect.Catalog, error) {
	l := loader{ctx: ctx, conn: conn, byOID: make(map[string]*relation), functions: make(map[string]*stored), defaults: make(map[string]string), words: make(map[string]string), c: &catalog{
		schemas: make(map[string]map[string]*relation), byName: make(map[string][]*relation),
		sequences: make(map[dialect.Table]bool),
		routines:  make(map[dialect.Table]routine), ofRow: make(map[string]routine), ofValue: make(map[string]routine),
		functions: make(map[dialect.Table][]function),
		bodies:    make(map[dialect.Table][]*body),
	}}
	for _, part := range []struct {
		query   string
		columns int
		row     func(row []string)
	}{
		{guardQuery, 1, func(row []string) { l.c.guard = row[0] }}, // first: what changes later shows the next time
		{relationsQuery, 7, l.relation},
		{sequencesQuery, 2, func(row []string) { l.c.sequences[dialect.Table{Schema: row[0], Name: row[1]}] = true }},
		{childrenQuery, 2, l.child},
		{viewsQuery, 2, l.view},
		{foreignKeysQuery, 4, l.foreignKey},
		{triggersQuery, 8, l.trigger},
		{rulesQuery, 10, l.rule},
		{functionsQuery, 4, l.function},
		{beyondQuery, 1, func(row []string) { l.c.beyond = row[0] == "true" }},
		{routinesQuery, 8, l.routine},
		{builtinsQuery, 2, l.builtin},
		{hiddenQuery, 5, l.hidden},
	} {
		if err := l.each(part.query, part.columns, part.row); err != nil {
			return nil, err
		}
	}
	if err := l.loadSecurity(); err != nil {
		return nil, err
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
	l.c.byOID = l.byOID
	l.c.ask = askQuery(l.byOID)
	l.c.summarise()
	return l.c, nil
}

type loader struct {
	ctx   context.Context
	conn  driver.Conn
	c     *catalog
	byOID map[string]*relation
	types []typeUse
	// functions are those that stand in trees, by number, and atomic those whose
	// bodies are trees.
	functions map[string]*stored
	atomic    []atomic
	// defaulting are those with arguments that may be left out, and defaults the
	// trees of these.
	defaulting []defaulting
	defaults   map[string]string
	views      []viewUse
	words      map[string]string // numbers that were met, as keys of their own
	lastRule   string            // whose rows are being read
}

func (l *loader) each(query string, columns int, visit func([]string)) error {
	var wrong error
	err := dialect.QueryEach(l.ctx, l.conn, query, func(row []driver.Value) {
		if len(row) != columns {
			wrong = fmt.Errorf("querycache: pgsql: the catalog answered %d columns, expected %d", len(row), columns)
			return
		}
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = dialect.Text(v)
		}
		visit(texts)
	})
	if err == nil {
		err = wrong
	}
	return err
}

func (l *loader) relation(row []string) {
	rel := &relation{
		name: dialect.Table{Schema: row[1], Name: row[2]}, root: row[6], kind: row[3],
		rowSecurity: row[5] == "true",
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
