package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/querycache/querycache/dialect"
)

// catalogQuery reads the catalog in one statement, so from one snapshot of
// the database: the pragmas run inside its read transaction. The functions
// are those of the connection.
const catalogQuery = `
SELECT 'object', type, name, tbl_name, sql, '' FROM main.sqlite_schema
 WHERE type IN ('table', 'view', 'trigger')
UNION ALL
SELECT 'kind', type, name, '', '', '' FROM pragma_table_list WHERE schema = 'main'
UNION ALL
SELECT 'key', s.name, k."table", k.on_update, k.on_delete, ''
  FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS k WHERE s.type = 'table'
UNION ALL
SELECT 'function', name, '', '', flags, builtin FROM pragma_function_list`

// Load implements [dialect.Prober].
func (sqlite) Load(ctx context.Context, conn driver.Conn) (dialect.Catalog, error) {
	rows, err := dialect.Query(ctx, conn, catalogQuery)
	if err != nil {
		return nil, err
	}
	c := &catalog{
		relations: make(map[string]*relation),
		functions: make(map[string]bool),
	}
	// Triggers and keys hang on relations, so the relations come first.
	for _, pass := range []func(row []driver.Value){c.loadRelation, c.loadKind, c.loadDependent} {
		for _, row := range rows {
			if len(row) != 6 {
				return nil, fmt.Errorf("querycache: sqlite: catalog row has %d columns, expected 6", len(row))
			}
			pass(row)
		}
	}
	return c, nil
}

// loadRelation takes a table or view from sqlite_schema.
func (c *catalog) loadRelation(row []driver.Value) {
	if dialect.Text(row[0]) != "object" {
		return
	}
	name, sql := dialect.Fold(dialect.Text(row[2])), dialect.Text(row[4])
	switch dialect.Text(row[1]) {
	case "table":
		c.relations[name] = &relation{kind: ordinary, replaces: replaces(sql)}
	case "view":
		c.relations[name] = &relation{kind: view, body: viewBody(sql)}
	}
}

// loadKind tells virtual tables and their shadows from ordinary tables.
func (c *catalog) loadKind(row []driver.Value) {
	r := c.relations[dialect.Fold(dialect.Text(row[2]))]
	if dialect.Text(row[0]) != "kind" || r == nil {
		return
	}
	switch dialect.Text(row[1]) {
	case "virtual", "shadow":
		r.kind = virtual
	case "table", "view":
	default:
		r.kind = virtual // a kind of a later SQLite
	}
}

// loadDependent takes triggers, foreign keys and functions.
func (c *catalog) loadDependent(row []driver.Value) {
	switch dialect.Text(row[0]) {
	case "object":
		if dialect.Text(row[1]) != "trigger" {
			return
		}
		if r := c.relations[dialect.Fold(dialect.Text(row[3]))]; r != nil {
			r.triggers = append(r.triggers, parseTrigger(dialect.Text(row[4])))
		}
	case "key":
		if r := c.relations[dialect.Fold(dialect.Text(row[2]))]; r != nil {
			r.children = append(r.children, child{
				table:    dialect.Fold(dialect.Text(row[1])),
				onUpdate: keyOps(dialect.Text(row[3]), dialect.Update),
				onDelete: keyOps(dialect.Text(row[4]), dialect.Delete),
			})
		}
	case "function":
		flags, _ := row[4].(int64)
		builtin, known := row[5].(int64)
		if known && builtin != 0 {
			return
		}
		// A name stands for several functions, by the number of arguments.
		name := dialect.Fold(dialect.Text(row[1]))
		deterministic, ok := c.functions[name]
		c.functions[name] = (deterministic || !ok) && flags&functionDeterministic != 0
	}
}

// functionDeterministic is SQLITE_DETERMINISTIC.
const functionDeterministic = 0x800

// keyOps is what a foreign key's action does to the table that has the key.
func keyOps(action string, cascade dialect.Op) dialect.Op {
	switch action {
	case "CASCADE":
		return cascade
	case "NO ACTION", "RESTRICT":
		return 0
	}
	return dialect.Update
}
