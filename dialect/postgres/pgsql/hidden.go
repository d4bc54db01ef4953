package pgsql

// hiddenQuery lists where functions that may do anything are called without
// being named: in defaults, generated columns, checks, partition keys, indexes
// and policies of a relation, in the checks and defaults of domains, in casts,
// behind operator classes of users, and where values are compared to be sorted.
// Built-in functions, nextval among them, are not in pg_depend: those that change
// the session or run texts are looked for in the trees, the others do no harm. So
// is what makes the check of a domain depend on session or time. The last column
// says of a type whether writing a column calls them, too.
var hiddenQuery = `WITH ` + untrusted + `,
` + special + `,
called AS (SELECT 'pg_catalog.pg_proc'::regclass::oid AS classid, oid, volatility, writes FROM untrusted
 UNION ALL
 SELECT 'pg_catalog.pg_operator'::regclass, o.oid, u.volatility, u.writes FROM pg_catalog.pg_operator o JOIN untrusted u ON u.oid = o.oprcode),
used AS MATERIALIZED (SELECT d.classid, d.objid, c.volatility, c.writes FROM called c
 JOIN pg_catalog.pg_depend d ON d.refclassid = c.classid AND d.refobjid = c.oid
 WHERE d.classid IN ('pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_class'::regclass,
  'pg_catalog.pg_policy'::regclass, 'pg_catalog.pg_type'::regclass))
SELECT 'relation', a.adrelid::text, u.volatility::text, u.writes::text, ''
FROM used u JOIN pg_catalog.pg_attrdef a ON a.oid = u.objid WHERE u.classid = 'pg_catalog.pg_attrdef'::regclass
UNION ALL
SELECT CASE WHEN k.contypid = 0 THEN 'relation' ELSE 'type' END, CASE WHEN k.contypid = 0 THEN k.conrelid ELSE k.contypid END::text,
 u.volatility::text, u.writes::text, 'true'
FROM used u JOIN pg_catalog.pg_constraint k ON k.oid = u.objid WHERE u.classid = 'pg_catalog.pg_constraint'::regclass
UNION ALL
SELECT 'relation', COALESCE(i.indrelid, u.objid)::text, u.volatility::text, u.writes::text, ''
FROM used u LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = u.objid WHERE u.classid = 'pg_catalog.pg_class'::regclass
UNION ALL
SELECT 'relation', i.indrelid::text, u.volatility::text, u.writes::text, ''
FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indclass::oid[]) AS o (oid)
 JOIN pg_catalog.pg_opclass k ON k.oid = o.oid AND k.oid >= 16384 JOIN pg_catalog.pg_amproc a ON a.amprocfamily = k.opcfamily
 JOIN untrusted u ON u.oid = a.amproc
UNION ALL
SELECT CASE WHEN t.domain = 0 THEN 'relation' ELSE 'type' END, CASE WHEN t.domain = 0 THEN t.relation ELSE t.domain END::text,
 '2', (t.tree ~ s.runs)::text, 'true'
FROM (SELECT adrelid AS relation, 0::oid AS domain, adbin::text AS tree FROM pg_catalog.pg_attrdef
 UNION ALL SELECT conrelid, contypid, conbin::text FROM pg_catalog.pg_constraint WHERE conbin IS NOT NULL
 UNION ALL SELECT 0, oid, typdefaultbin::text FROM pg_catalog.pg_type WHERE typdefaultbin IS NOT NULL) AS t
 JOIN special s ON t.tree ~ s.any_of
UNION ALL
SELECT 'policy', p.polrelid::text, '2', (p.tree ~ s.runs)::text, ''
FROM (SELECT polrelid, pg_catalog.concat(polqual::text, polwithcheck::text) AS tree FROM pg_catalog.pg_policy) AS p JOIN special s ON p.tree ~ s.any_of
UNION ALL
SELECT 'policy', p.polrelid::text, u.volatility::text, u.writes::text, ''
FROM used u JOIN pg_catalog.pg_policy p ON p.oid = u.objid WHERE u.classid = 'pg_catalog.pg_policy'::regclass
UNION ALL
SELECT 'type', objid::text, volatility::text, writes::text, 'true' FROM used WHERE classid = 'pg_catalog.pg_type'::regclass
UNION ALL
SELECT 'type', contypid::text, '1', 'false', '' FROM pg_catalog.pg_constraint k WHERE contypid <> 0 AND (pg_catalog.strpos(conbin::text, 'SQLVALUEFUNCTION') > 0
 OR EXISTS (SELECT 1 FROM pg_catalog.regexp_matches(conbin::text, ':(?:funcid|opfuncid) ([0-9]+)', 'g') m
  JOIN pg_catalog.pg_proc p ON p.oid = m[1]::oid WHERE p.provolatile <> 'i'))
UNION ALL
SELECT 'sorting', '0', u.volatility::text, u.writes::text, ''
FROM pg_catalog.pg_amproc a JOIN pg_catalog.pg_opfamily f ON f.oid = a.amprocfamily JOIN untrusted u ON u.oid = a.amproc
WHERE f.opfmethod IN (SELECT oid FROM pg_catalog.pg_am WHERE amname IN ('btree', 'hash'))
UNION ALL
SELECT CASE WHEN c.castcontext = 'i' OR c.casttarget = 'pg_catalog.json'::regtype THEN 'cast' ELSE 'type' END, c.casttarget::text, u.volatility::text, u.writes::text, (c.castcontext = 'a')::text
FROM pg_catalog.pg_cast c JOIN untrusted u ON u.oid = c.castfunc`

// special has patterns of built-in functions in trees: of those that run texts,
// and of them and those that change the session.
var special = `special AS MATERIALIZED (SELECT ':funcid (' || pg_catalog.string_agg(oid::text, '|') FILTER (WHERE proname <> 'set_config') || ') ' AS runs,
 ':funcid (' || pg_catalog.string_agg(oid::text, '|') || ') ' AS any_of
 FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (pg_catalog.string_to_array('set_config ` + joined(runsText) + `', ' ')))`

func (l *loader) hidden(row []string) {
	r := readRoutine([]string{row[2], row[3], "true"})
	rel := l.byOID[row[1]]
	switch {
	case row[0] == "type":
		l.types = append(l.types, typeUse{oid: row[1], routine: r, stored: row[4] == "true"})
	case row[0] == "cast", row[0] == "sorting": // that no statement has to name; to_json calls casts
		l.c.shadow(r)
	case rel == nil:
	case row[0] == "policy":
		rel.policies = rel.policies.or(r)
	default:
		rel.hidden = rel.hidden.or(r)
	}
}
