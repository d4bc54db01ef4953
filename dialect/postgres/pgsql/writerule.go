package pgsql

import (
	"maps"
	"slices"
	"strings"

	"github.com/querycache/querycache/dialect"
)

// A rule is one for INSERT, UPDATE or DELETE.
type rule struct {
	ops dialect.Op
	// instead: what was to be done is not done, whatever the row, unless the
	// session is one of a replica.
	instead bool
	// touched are the relations that it mentions. Which of them its actions
	// write is not told apart from those that they read.
	touched []*relation
	// lost: it mentions a relation that is newer than the catalog.
	lost bool
	// taints: it calls what is built in and changes the session; runs: what runs
	// the text of a statement.
	taints, runs bool
	// functions, operators and types that may call any are judged by name.
	functions []string
}

// rulesQuery lists the rules but for those of SELECT, with what they depend on.
// Built-in functions are not in pg_depend: those that change the session
// or run texts are looked for in its actions and its condition. Every rule depends on the
// relation that it is of, and mentions it twice, as OLD and NEW, in each action: the
// fifth column says whether it does so another number of times, and may write it.
var rulesQuery = `WITH special AS MATERIALIZED (SELECT oid, proname = ANY (pg_catalog.string_to_array('` + joined(runsText) + `', ' ')) AS runs
 FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (pg_catalog.string_to_array('set_config ` + joined(runsText) + `', ' ')))
SELECT r.oid::text, r.ev_class::text, r.ev_type::text, (r.is_instead AND r.ev_qual::text = '<>' AND r.ev_enabled <> 'R')::text,
 (r.ev_action::text <> '<>' AND pg_catalog.array_length(pg_catalog.string_to_array(r.ev_action::text, ' :rtekind 0 :relid ' || r.ev_class || ' '), 1) <> 3)::text,
 (EXISTS (SELECT 1 FROM special WHERE NOT runs AND r.ev_action::text || r.ev_qual::text LIKE '%funcid ' || special.oid || ' %'))::text,
 (EXISTS (SELECT 1 FROM special WHERE runs AND r.ev_action::text || r.ev_qual::text LIKE '%funcid ' || special.oid || ' %'))::text,
 CASE d.refclassid WHEN 'pg_catalog.pg_class'::regclass THEN 'relation' WHEN 'pg_catalog.pg_proc'::regclass THEN 'function'
  WHEN 'pg_catalog.pg_operator'::regclass THEN 'operator' WHEN 'pg_catalog.pg_type'::regclass THEN 'type' ELSE '' END,
 COALESCE(c.oid::text, n.nspname::text, ''), COALESCE(p.proname, o.oprname, y.typname, '')::text
FROM pg_catalog.pg_rewrite r LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
 LEFT JOIN pg_catalog.pg_class c ON d.refclassid = 'pg_catalog.pg_class'::regclass AND c.oid = d.refobjid
 LEFT JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid
 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
 LEFT JOIN pg_catalog.pg_type y ON d.refclassid = 'pg_catalog.pg_type'::regclass AND y.oid = d.refobjid
WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D' AND (c.relkind IS NULL OR c.relkind NOT IN ('S', 'c'))
ORDER BY r.oid`

func (l *loader) rule(row []string) {
	rel := l.byOID[row[1]]
	if rel == nil {
		return
	}
	if l.lastRule != row[0] {
		l.lastRule = row[0]
		ops := map[string]dialect.Op{"2": dialect.Update, "3": dialect.Insert, "4": dialect.Delete}[row[2]]
		rel.rules = append(rel.rules, rule{ops: ops, instead: row[3] == "true"})
	}
	r := &rel.rules[len(rel.rules)-1]
	r.taints, r.runs = row[5] == "true", row[6] == "true"
	switch name := row[9]; row[7] {
	case "relation":
		switch touched := l.byOID[row[8]]; touched {
		case nil:
			r.lost = true
		case rel:
			if row[4] == "true" {
				r.touched = append(r.touched, rel)
			}
		default:
			r.touched = append(r.touched, touched)
		}
	case "function":
		r.functions = append(r.functions, dialect.Table{Schema: row[8], Name: name}.String())
	case "operator":
		r.functions = append(r.functions, operatorName(name))
	case "type":
		r.functions = append(r.functions, typeName(name))
	}
}

func joined(set map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), " ")
}
