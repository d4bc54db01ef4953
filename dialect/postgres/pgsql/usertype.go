package pgsql

import (
	"fmt"
	"strings"

	"github.com/querycache/querycache/dialect"
)

// A typeUse says that to make a value of a type calls a routine.
type typeUse struct {
	oid string
	routine
	// stored: also if it is made by writing a column.
	stored bool
}

// madeQuery lists the types and what they are made of: domains, arrays, ranges
// and rows. Of built-in parts only those in %s are of interest.
const madeQuery = `WITH made AS (SELECT oid AS whole, typbasetype AS part, 0::oid AS relid FROM pg_catalog.pg_type
 UNION ALL SELECT oid, typelem, 0 FROM pg_catalog.pg_type
 UNION ALL SELECT rngtypid, rngsubtype, 0 FROM pg_catalog.pg_range
 UNION ALL SELECT DISTINCT c.reltype, a.atttypid, c.oid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  WHERE a.attnum > 0 AND NOT a.attisdropped
 UNION ALL SELECT oid, oid, 0 FROM pg_catalog.pg_type)
SELECT m.whole::text, m.part::text, m.relid::text, COALESCE(t.typname::text, '') FROM made m LEFT JOIN pg_catalog.pg_type t ON t.oid = m.whole
WHERE m.part >= 16384 OR m.part IN (%s)`

// useTypes carries what is known of types to those that are made of them and to
// the relations that have columns of them.
func (l *loader) useTypes() error {
	if len(l.types) == 0 {
		return nil
	}
	oids := make([]string, len(l.types))
	for i, use := range l.types {
		oids[i] = use.oid
	}
	type whole struct{ oid, relid string }
	wholes, names := make(map[string][]whole), make(map[string]string)
	err := l.each(fmt.Sprintf(madeQuery, strings.Join(oids, ", ")), 4, func(row []string) {
		if row[0] != "0" {
			names[row[0]] = row[3]
		}
		if row[0] != row[1] {
			wholes[row[1]] = append(wholes[row[1]], whole{row[0], row[2]})
		}
	})
	if err != nil {
		return err
	}
	seen := make(map[typeUse]bool)
	for todo := l.types; len(todo) > 0; {
		use := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; seen[use] {
			continue
		}
		seen[use] = true
		l.c.routine(dialect.Table{Name: typeName(names[use.oid])}, use.routine)
		for _, w := range wholes[use.oid] {
			if rel := l.byOID[w.relid]; rel != nil && use.stored {
				rel.hidden = rel.hidden.or(use.routine)
			}
			if w.oid != "0" {
				todo = append(todo, typeUse{w.oid, use.routine, use.stored})
			}
		}
	}
	return nil
}

// typeName is how a type stands among the functions: to make a value of it may
// call some.
func typeName(name string) string { return "type " + name }
