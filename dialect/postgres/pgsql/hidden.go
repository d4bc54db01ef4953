package pgsql

// hiddenQuery lists where functions that may do anything are called without
// being named: in defaults, generated columns, checks, partition keys, indexes
// and policies of a relation, in the checks and defaults of domains, and in
// casts. Built-in functions, nextval among them, are not in pg_depend, and do no
// harm. The last column says of a type whether writing a column calls them, too.
const hiddenQuery = `WITH ` + untrusted + `,
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
SELECT 'policy', p.polrelid::text, u.volatility::text, u.writes::text, ''
FROM used u JOIN pg_catalog.pg_policy p ON p.oid = u.objid WHERE u.classid = 'pg_catalog.pg_policy'::regclass
UNION ALL
SELECT 'type', objid::text, volatility::text, writes::text, 'true' FROM used WHERE classid = 'pg_catalog.pg_type'::regclass
UNION ALL
SELECT CASE c.castcontext WHEN 'i' THEN 'cast' ELSE 'type' END, c.casttarget::text, u.volatility::text, u.writes::text, (c.castcontext = 'a')::text
FROM pg_catalog.pg_cast c JOIN untrusted u ON u.oid = c.castfunc`

func (l *loader) hidden(row []string) {
	r := readRoutine([]string{row[2], row[3], "true"})
	rel := l.byOID[row[1]]
	switch {
	case row[0] == "type":
		l.types = append(l.types, typeUse{oid: row[1], routine: r, stored: row[4] == "true"})
	case row[0] == "cast": // that no statement has to name
		l.c.shadow(r)
	case rel == nil:
	case row[0] == "policy":
		rel.policies = rel.policies.or(r)
	default:
		rel.hidden = rel.hidden.or(r)
	}
}
