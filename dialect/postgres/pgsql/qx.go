package pgsql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.WriteAsker = Dialect{}

// locksQuery lists the relations that the transaction may have written: those
// that it holds a lock on which writing them takes. It keeps such a lock to its
// end, unless a savepoint undoes the write. The statistics of the transaction
// would not do: they leave out TRUNCATE, add what was undone and what earlier
// transactions of the session did, and can be turned off; they only say of which
// relations rows have changed. What is not in pg_class, since it is newer than the
// snapshot of the transaction, has no kind.
//
// The last but one row says whether there are cursors that outlive it: COMMIT runs
// what is left of their queries. The last row says whether the schema may have changed: catalogs, whose locks are
// not kept, have new rows. Operators are qualified, since the search path is
// the user's.
const locksQuery = `SELECT l.oid::text, COALESCE(c.relkind::text, ''), (` + changes + `(l.oid) OPERATOR(pg_catalog.>) 0)::text
FROM (SELECT DISTINCT relation AS oid FROM pg_catalog.pg_locks
  WHERE pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND locktype OPERATOR(pg_catalog.=) 'relation' AND relation OPERATOR(pg_catalog.>=) 16384
   AND mode OPERATOR(pg_catalog.=) ANY (ARRAY['RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'])) AS l
 LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.oid
WHERE c.oid IS NULL OR c.relpersistence OPERATOR(pg_catalog.<>) 't' AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'm', 'f']::"char"[])
UNION ALL
SELECT '', 'late', EXISTS (SELECT 1 FROM pg_catalog.pg_cursors WHERE is_holdable)::text
UNION ALL
SELECT '', 'schema', (pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.<>) 'on' OR EXISTS (SELECT 1
 FROM pg_catalog.unnest(ARRAY[%s]::oid[]) AS s (oid) WHERE ` + changes + `(s.oid) OPERATOR(pg_catalog.>) 0))::text`

// changes is replaced by a sum: see askQuery.
const changes = `CHANGES`

// busyCatalogs are those that change although the schema does not: by ANALYZE, and
// large objects.
var busyCatalogs = nameSet("pg_largeobject pg_largeobject_metadata pg_statistic pg_statistic_ext_data")

// askQuery completes the query with the catalogs of this version of the server.
func askQuery(byOID map[string]*relation) string {
	var catalogs []string
	for oid, rel := range byOID {
		if rel.name.Schema == "pg_catalog" && rel.kind == "r" && !busyCatalogs[rel.name.Name] {
			catalogs = append(catalogs, oid)
		}
	}
	slices.Sort(catalogs)
	query := fmt.Sprintf(locksQuery, strings.Join(catalogs, ","))
	for _, oid := range []string{"l.oid", "s.oid"} {
		sum := fmt.Sprintf("(pg_catalog.pg_stat_get_xact_tuples_inserted(%[1]s) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(%[1]s)"+
			" OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(%[1]s))", oid)
		query = strings.ReplaceAll(query, changes+"("+oid+")", sum)
	}
	return query
}

// beyondQuery says whether a function may write where the locks of its
// transaction do not show it: over another connection, as dblink does, in a
// foreign table, or in C. Of extensions, only those that are known not to are
// excepted, and of languages those that are trusted.
const beyondQuery = `WITH ` + untrusted + `
SELECT (EXISTS (SELECT 1 FROM pg_catalog.pg_foreign_table) OR EXISTS (SELECT 1
 FROM untrusted u JOIN pg_catalog.pg_proc p ON p.oid = u.oid JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 WHERE NOT l.lanpltrusted AND p.prorettype::regtype::text NOT IN
   ('language_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler')
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_language h WHERE p.oid IN (h.laninline, h.lanvalidator))
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
   WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.extname IN (` + calmTriggers + `, ` + insideExtensions + `))))::text`

// insideExtensions have functions in C that write nothing, or nothing that the
// locks of the transaction do not show.
const insideExtensions = `'amcheck', 'dict_int', 'dict_xsyn', 'hypopg', 'pageinspect', 'pg_buffercache', 'pg_freespacemap',
 'pg_hint_plan', 'pg_prewarm', 'pgaudit', 'pgrowlocks', 'pgstattuple', 'refint', 'sslinfo', 'tablefunc', 'xml2'`

const savepoint = "querycache_what_was_written"

// AskWrites implements [dialect.WriteAsker], in two round trips: without a
// savepoint an error would end the transaction.
func (Dialect) AskWrites(ctx context.Context, conn driver.Conn, c dialect.Catalog) (dialect.Written, error) {
	return AskWrites(ctx, c, func(ctx context.Context, texts ...string) ([][]string, error) {
		var rows [][]driver.Value
		for _, text := range texts {
			got, err := dialect.Query(ctx, conn, text)
			if err != nil {
				return nil, err
			}
			rows = append(rows, got...)
		}
		return textRows(rows), nil
	})
}

// AskWrites is [Dialect.AskWrites] for a driver that can send several texts at
// once. Run returns the rows of all of them, as text, or the first error.
func AskWrites(ctx context.Context, c dialect.Catalog, run func(ctx context.Context, texts ...string) ([][]string, error)) (dialect.Written, error) {
	snap, ok := c.(*catalog)
	if !ok || snap.beyond {
		return dialect.Written{Everything: dialect.ReasonBeyond}, nil
	}
	// Where the savepoint itself fails nothing has changed; else going back to
	// it leaves the transaction as it was. COMMIT ends it.
	rows, err := run(ctx, "SAVEPOINT "+savepoint, snap.ask)
	if err != nil {
		_, _ = run(context.WithoutCancel(ctx), "ROLLBACK TO SAVEPOINT "+savepoint) // COMMIT meets its error, too
		return dialect.Written{}, err
	}
	return snap.written(rows), nil
}

func textRows(rows [][]driver.Value) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		for _, v := range row {
			out[i] = append(out[i], dialect.Text(v))
		}
	}
	return out
}

// written reads the answer.
func (c *catalog) written(rows [][]string) (w dialect.Written) {
	complete := false
	for _, row := range rows {
		if len(row) != 3 {
			continue
		}
		rel := c.byOID[row[0]]
		switch {
		case row[1] == "late":
			if row[2] == "true" {
				w.Everything = dialect.ReasonHolds
			}
		case row[1] == "schema":
			complete, w.Schema = true, row[2] == "true"
		case rel == nil: // made since the catalog was read
			w.Everything = dialect.ReasonUnknownTable
		case rel.kind == "f":
			w.Everything = dialect.ReasonForeign
		default:
			late, reason := c.deferred(rel)
			if reason != "" {
				w.Everything = reason
			}
			w.Relations = append(append(w.Relations, rel.tag), late...)
			if row[2] == "true" {
				w.Changed = append(w.Changed, rel.tag)
			}
		}
	}
	switch {
	case !complete:
		w.Everything = dialect.ReasonUnanalysed
	case w.Schema:
		w.Everything = dialect.ReasonSchemaChange
	}
	slices.Sort(w.Relations)
	w.Relations = slices.Compact(w.Relations)
	slices.Sort(w.Changed)
	w.Changed = slices.Compact(w.Changed)
	return w
}

// deferred returns what triggers of a relation may write as late as in COMMIT, or
// why that is not known. That foreign keys are checked then writes nothing.
func (c *catalog) deferred(rel *relation) ([]string, dialect.Reason) {
	cl := closure{catalog: c, done: make(map[visit]dialect.Op)}
	for _, t := range rel.triggers {
		if !t.deferrable {
			continue
		}
		if touched, ok := c.declared[t.function]; ok && !t.condition {
			cl.touch(touched)
		} else {
			cl.opaque(dialect.ReasonTrigger)
		}
	}
	return cl.tags, cl.reason
}
