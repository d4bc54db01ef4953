package pgsql

import "github.com/querycache/querycache/dialect"

// A routine is the worst of the functions that share a name.
type routine struct {
	volatility byte // 0 immutable, 1 stable, 2 volatile
	writes     bool // it may write relations
	taints     bool // it may change the session
}

func (r routine) or(o routine) routine {
	return routine{max(r.volatility, o.volatility), r.writes || o.writes, r.taints || o.taints}
}

// untrusted is a list of functions: those that may do anything. A function that
// is not immutable may change the session, also if it is stable: nothing keeps
// it from calling set_config. A volatile one may write. Of extensions, only
// those in C of the ones that are known to do neither are excepted. Whatever a
// function is said to be, to call it without an argument calls what the default
// of that does.
const untrusted = `defaults AS MATERIALIZED (SELECT DISTINCT p.oid, p.proname, n.nspname, m[1]::oid AS called
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 CROSS JOIN LATERAL pg_catalog.regexp_matches(p.proargdefaults::text, ':(?:func|opfunc)id ([0-9]+)', 'g') m
WHERE p.oid >= 16384 AND p.pronargdefaults > 0),
own AS (SELECT p.oid, p.proname, n.nspname, CASE p.provolatile WHEN 'v' THEN 2 ELSE 1 END AS volatility,
 p.provolatile = 'v' AS writes
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND p.provolatile <> 'i' AND NOT (l.lanname IN ('c', 'internal') AND EXISTS
 (SELECT 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
   AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.extname IN (` + calmExtensions + `)))),
untrusted AS (SELECT oid, proname, nspname, pg_catalog.max(volatility) AS volatility, pg_catalog.bool_or(writes) AS writes
 FROM (SELECT * FROM own UNION ALL SELECT d.oid, d.proname, d.nspname, own.volatility, own.writes FROM defaults d JOIN own ON own.oid = d.called) AS a
 GROUP BY 1, 2, 3)`

// calmExtensions write no relation of users and leave sessions alone, but for
// set_limit of pg_trgm, which is one of sessionCalls. Not among them are dblink,
// tablefunc and xml2, which run the text of statements.
const calmExtensions = `'btree_gin', 'btree_gist', 'citext', 'cube', 'earthdistance', 'fuzzystrmatch', 'hstore',
 'intarray', 'isn', 'lo', 'ltree', 'pg_stat_statements', 'pg_trgm', 'pgcrypto', 'postgis', 'seg', 'unaccent', 'uuid-ossp', 'vector'`

// volatility is that of the function p. One that asks for a setting of the session
// is not immutable, whatever is said of it: what one session is shown would be
// shown to others. All else that is said is believed.
const volatility = `(CASE WHEN p.oid >= 16384 AND p.provolatile = 'i' AND p.prosrc ILIKE '%current_setting%' THEN 's' ELSE p.provolatile END)`

// routinesQuery lists the functions and operators that are not built in. An
// aggregate is what the functions behind it are: its own volatility says
// nothing. The last two columns say whether a function can be called with one
// argument, as x.f calls it, and whether that argument may be a row.
const routinesQuery = `WITH ` + untrusted + `,
f AS (SELECT p.oid, n.nspname, p.proname, CASE ` + volatility + ` WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END AS volatility,
  u.writes IS TRUE AS writes, u.oid IS NOT NULL AS taints,
  p.pronargs >= 1 AND p.pronargs - p.pronargdefaults - (p.provariadic <> 0)::int <= 1 AS single,
  (SELECT t.typtype IN ('c', 'd', 'p') FROM pg_catalog.pg_type t WHERE t.oid = p.proargtypes[0]) IS TRUE AS ofrow,
  ` + isAtomic + ` AS atomic
 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang LEFT JOIN untrusted u ON u.oid = p.oid
 WHERE p.oid >= 16384 -- in whatever schema
  AND p.prorettype NOT IN ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)),
all_of_them AS (SELECT * FROM f WHERE NOT atomic
 UNION ALL
 SELECT a.oid, a.nspname, a.proname, f.volatility, f.writes, f.taints, a.single, a.ofrow, false
 FROM (SELECT a.*, unnest(ARRAY[g.aggtransfn::oid, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn,
   g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn]) AS behind
  FROM f AS a JOIN pg_catalog.pg_aggregate g ON g.aggfnoid = a.oid WHERE g.aggfnoid >= 16384) AS a JOIN f ON f.oid = a.behind)
SELECT 'routine', nspname::text, proname::text, pg_catalog.max(volatility)::text,
 pg_catalog.bool_or(writes)::text, pg_catalog.bool_or(taints)::text, single::text, (single AND ofrow)::text
FROM all_of_them GROUP BY 2, 3, single, ofrow
UNION ALL
SELECT 'operator', '', o.oprname::text, pg_catalog.max(CASE ` + volatility + ` WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END)::text,
 (pg_catalog.count(u.oid) FILTER (WHERE u.writes) > 0)::text, (pg_catalog.count(u.oid) > 0)::text, 'false', 'false'
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode LEFT JOIN untrusted u ON u.oid = p.oid
WHERE o.oid >= 16384 GROUP BY 3
UNION ALL
SELECT 'routine', '', '` + eventTriggers + `', '2', 'true', 'true', 'false', 'false'
WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' AND evtevent IN ('ddl_command_start', 'ddl_command_end'))`

// builtinsQuery lists the built-in functions: all, and those with one argument
// that are not immutable.
const builtinsQuery = `SELECT pg_catalog.string_agg(DISTINCT proname::text, ' '),
 COALESCE(pg_catalog.string_agg(DISTINCT proname::text, ' ') FILTER (WHERE provolatile <> 'i' AND pronargs >= 1 AND pronargs - pronargdefaults <= 1), '')
FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace`

func (l *loader) routine(row []string) {
	r := readRoutine(row[3:])
	if row[0] == "operator" {
		l.c.routine(dialect.Table{Name: operatorName(row[2])}, r)
		if r.volatility > 0 && plainOperators[row[2]] {
			l.c.shadow(r)
		}
		return
	}
	if runsText[row[2]] {
		r = routine{volatility: 2, writes: true, taints: true}
	}
	l.c.routine(dialect.Table{Schema: row[1], Name: row[2]}, r)
	l.c.routine(dialect.Table{Name: row[2]}, r)
	if row[6] == "true" {
		l.c.ofValue[row[2]] = l.c.ofValue[row[2]].or(r)
	}
	if row[7] == "true" {
		l.c.ofRow[row[2]] = l.c.ofRow[row[2]].or(r)
	}
}

// readRoutine reads a volatility and what the routine may do.
func readRoutine(row []string) routine {
	return routine{volatility: row[0][0] - '0', writes: row[1] == "true", taints: row[2] == "true"}
}

func (l *loader) builtin(row []string) {
	l.c.builtins, l.c.builtinsOfValue = nameSet(row[0]), nameSet(row[1])
}

// routine notes the worst of those that share a name.
func (c *catalog) routine(name dialect.Table, r routine) {
	c.routines[name] = c.routines[name].or(r)
}

// shadow notes a routine that every statement may call without naming it.
func (c *catalog) shadow(r routine) { c.shadowed, c.shadows = c.shadowed.or(r), true }
