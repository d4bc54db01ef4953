package pgsql

import (
	"slices"
	"strings"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.Declarer = (*catalog)(nil)

// A function is one of those that share a name.
type function struct {
	args string
	// writes: it may write anything; fixed: nothing can be declared of it.
	writes, fixed bool
}

// functionsQuery lists the functions that are not built in, procedures and
// functions of triggers among them. What is said of an aggregate is said of the
// functions behind it, so that nothing can be declared of it.
const functionsQuery = `WITH ` + untrusted + `
SELECT n.nspname::text, p.proname::text, pg_catalog.oidvectortypes(p.proargtypes),
 CASE WHEN p.prokind = 'a' THEN 'fixed' WHEN u.writes THEN 'writes' ELSE '' END
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace LEFT JOIN untrusted u ON u.oid = p.oid
WHERE p.oid >= 16384`

func (l *loader) function(row []string) {
	name := dialect.Table{Schema: row[0], Name: row[1]}
	f := function{args: plainArgs(row[2]), writes: row[3] == "writes", fixed: row[3] == "fixed"}
	l.c.functions[name] = append(l.c.functions[name], f)
}

// plainArgs makes lists of types comparable that differ in their spaces.
func plainArgs(list string) string {
	types := strings.Split(list, ",")
	for i, t := range types {
		types[i] = strings.Join(strings.Fields(t), " ")
	}
	return strings.Join(types, ",")
}

// declared are what functions write, by name with and without schema: those
// names of which nothing writes that is not declared.
type declared map[dialect.Table][]*relation

// on returns the verdict on what has the name. That what is declared may change
// the session is not lifted.
func (d declared) on(name dialect.Table, v verdict) verdict {
	if _, ok := d[name]; ok {
		v.writes = false
	}
	return v
}

// Declare implements [dialect.Declarer].
func (c *catalog) Declare(declarations []dialect.Declaration) (dialect.Catalog, []int) {
	type one struct {
		name dialect.Table
		args string
	}
	touches := make(map[one][]*relation)
	var unknown []int
	for i, d := range declarations {
		tables, ok := c.tables(d.Tables)
		found := false
		for _, f := range c.functions[d.Function] {
			if ok && !f.fixed && (!d.HasArgs || f.args == plainArgs(d.Args)) {
				key := one{d.Function, f.args}
				touches[key] = append(touches[key], tables...)
				found = true
			}
		}
		if !found {
			unknown = append(unknown, i)
		}
	}
	// A call by a name may be one of each that has it.
	said, silent := make(declared), make(map[dialect.Table]bool)
	for name, functions := range c.functions {
		bare := dialect.Table{Name: name.Name}
		for _, f := range functions {
			tables, ok := touches[one{name, f.args}]
			for _, n := range []dialect.Table{name, bare} {
				if ok {
					said[n] = append(said[n], tables...)
				}
				silent[n] = silent[n] || !ok && (f.writes || f.fixed)
			}
		}
	}
	for name := range said {
		if silent[name] || runsText[name.Name] {
			delete(said, name)
		}
	}
	with := *c
	with.declared = said
	return &with, unknown
}

// tables returns the relations that have the names, in whatever schema if none
// is given. It reports false if there is none for one of them.
func (c *catalog) tables(names []dialect.Table) (rels []*relation, ok bool) {
	for _, name := range names {
		found := slices.DeleteFunc(slices.Clone(c.byName[name.Name]), func(r *relation) bool {
			return name.Schema != "" && r.name.Schema != name.Schema
		})
		if len(found) == 0 {
			return nil, false
		}
		rels = append(rels, found...)
	}
	return rels, true
}
