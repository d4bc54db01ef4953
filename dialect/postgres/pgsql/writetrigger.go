package pgsql

import (
	"strconv"

	"github.com/querycache/querycache/dialect"
)

// A trigger is one whose function, or whose condition, may do anything.
type trigger struct {
	ops dialect.Op
	// instead: it runs instead of what was to be done to a view.
	instead bool
	// deferrable: it may run as late as in COMMIT.
	deferrable bool
	function   dialect.Table
	// condition: its WHEN calls what may do anything.
	condition bool
	// stays: if a declaration says that the function leaves what names mean in
	// its session alone, its text does not say otherwise.
	stays bool
}

// calmTriggers are extensions whose trigger functions write no relation but the
// row that they are called for, and leave the session alone.
const calmTriggers = `'autoinc', 'insert_username', 'lo', 'moddatetime', 'tcn'`

// movesNames finds in the text of a function what changes the search path, the
// role or the temporary tables of a session. A word too many costs a question.
const movesNames = `set_config|pg_settings|search_path|authorization|temp|U&|[[:<:]](role|schema|reset|discard)[[:>:]]`

// triggersQuery lists the triggers that may do anything: all, but for those of
// foreign keys and other built-in functions, and of extensions known to be
// harmless. A copy of one in a partition may be marked as internal, so that
// mark says nothing. Which of them fire depends on session_replication_role: here
// it is all that are not disabled.
var triggersQuery = `WITH ` + untrusted + `,
` + special + `,
conditions AS MATERIALIZED (SELECT t.oid FROM pg_catalog.pg_trigger t JOIN special s ON t.tgqual::text ~ s.any_of
 UNION
 SELECT d.objid FROM pg_catalog.pg_depend d
 JOIN pg_catalog.pg_trigger t ON t.oid = d.objid AND t.tgqual IS NOT NULL
 LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
 LEFT JOIN pg_catalog.pg_type y ON d.refclassid = 'pg_catalog.pg_type'::regclass AND y.oid = d.refobjid AND y.oid >= 16384
 LEFT JOIN untrusted u ON u.oid = CASE d.refclassid WHEN 'pg_catalog.pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
 WHERE d.classid = 'pg_catalog.pg_trigger'::regclass
  AND (u.oid <> t.tgfoid OR y.typtype IN ('c', 'd', 'm', 'r') OR y.typcategory = 'A'))
SELECT t.tgrelid::text, t.tgtype::text, t.tgdeferrable::text, n.nspname::text, p.proname::text,
 (k.oid IS NOT NULL)::text, h.harmless::text, (l.lanname = 'plpgsql' AND p.prosrc !~* '` + movesNames + `')::text
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
 JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 LEFT JOIN conditions k ON k.oid = t.oid
 CROSS JOIN LATERAL (SELECT p.oid < 16384 AND n.nspname = 'pg_catalog' OR l.lanname = 'c' AND EXISTS
  (SELECT 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
   WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.extname IN (` + calmTriggers + `)) AS harmless) h
WHERE t.tgenabled <> 'D' AND (k.oid IS NOT NULL OR NOT h.harmless)`

func (l *loader) trigger(row []string) {
	rel := l.byOID[row[0]]
	if rel == nil {
		return
	}
	kind, _ := strconv.Atoi(row[1]) // what is no number fires never, but a smallint is one
	t := trigger{
		ops: triggerOps(kind), instead: kind&64 != 0, deferrable: row[2] == "true",
		function: dialect.Table{Schema: row[3], Name: row[4]}, condition: row[5] == "true",
		stays: row[7] == "true",
	}
	rel.triggers = append(rel.triggers, t)
}

// triggerOps reads the bits of pg_trigger.tgtype.
func triggerOps(kind int) (ops dialect.Op) {
	for bit, op := range map[int]dialect.Op{4: dialect.Insert, 8: dialect.Delete, 16: dialect.Update, 32: dialect.Truncate} {
		if kind&bit != 0 {
			ops |= op
		}
	}
	return ops
}
