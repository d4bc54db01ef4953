package pgsql

import "github.com/querycache/querycache/dialect"

// viewsQuery lists what stands in the trees of views: relations, built-in
// functions that are not immutable, and all others, types that values are
// converted to, and what forbids caching. None of it is complete in pg_depend,
// which leaves out what is built in. A tree is cut where its fields begin: a
// regular expression takes several times as long. Only conversions by text
// (COERCEVIAIO) have no typmod between type and collation.
const viewsQuery = `WITH bodies AS MATERIALIZED (SELECT c.oid AS view, r.ev_action::text AS body
 FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
 WHERE r.ev_type = '1' AND c.relkind IN ('v', 'm') AND c.oid >= 16384),
fields AS (SELECT view, pg_catalog.split_part(field, ' ', 1) AS kind, pg_catalog.split_part(field, ' ', 2) AS value, field LIKE '%|io %' AS io
 FROM bodies, LATERAL pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.replace(body, ' :resultcollid', ' |io'), ' :')) AS field
 WHERE field LIKE 'opfuncid %' OR field LIKE 'funcid %' OR field LIKE 'aggfnoid %' OR field LIKE 'winfnoid %' OR field LIKE 'relid %' OR field LIKE 'resulttype %'),
named AS MATERIALIZED (SELECT DISTINCT view, kind, CASE WHEN value ~ '^\d+$' THEN value::oid ELSE 0 END AS oid, io FROM fields WHERE value <> '0')
SELECT view::text, 'relation', oid::text, '' FROM named WHERE kind = 'relid' AND oid <> view
UNION ALL
SELECT view::text, CASE WHEN t.oid >= 16384 THEN 'type' ELSE 'clock' END, '', t.typname::text
FROM named JOIN pg_catalog.pg_type t ON t.oid = named.oid
WHERE kind = 'resulttype' AND (t.oid >= 16384 OR io AND pg_catalog.ltrim(t.typname, '_') = ANY (pg_catalog.string_to_array('` + timeTypeNames + `', ' ')))
UNION ALL
SELECT view::text, 'function', n.nspname::text, p.proname::text FROM named JOIN pg_catalog.pg_proc p ON p.oid = named.oid
 JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE kind NOT IN ('relid', 'resulttype') AND (n.nspname <> 'pg_catalog' OR p.provolatile <> 'i')
UNION ALL
SELECT view::text, 'session', '', '' FROM bodies WHERE body LIKE '%SQLVALUEFUNCTION%' OR body LIKE '%NEXTVALUEEXPR%'
 OR body LIKE '%TABLESAMPLECLAUSE%' OR body LIKE '%:hasForUpdate true%'`

func (l *loader) view(row []string) {
	view := l.byOID[row[0]]
	if view == nil {
		return
	}
	switch row[1] {
	case "relation":
		if base := l.byOID[row[2]]; base != nil {
			view.bases = append(view.bases, base)
		} else {
			view.body = dialect.ReasonUnknownTable // newer, or temporary
		}
	case "session":
		view.body = cmpOr(view.body, dialect.ReasonSessionFunc)
	case "clock":
		view.body = cmpOr(view.body, dialect.ReasonClock)
	case "type":
		view.functions = append(view.functions, typeName(row[3]))
	default:
		name := dialect.Table{Schema: row[2], Name: row[3]}
		if name.Schema == "pg_catalog" {
			name.Schema = ""
		}
		view.functions = append(view.functions, name.String())
	}
}
