package pgsql

import "github.com/querycache/querycache/dialect"

// An atomic is a function whose body is in standard SQL (BEGIN ATOMIC, RETURN)
// and says itself what it reads.
type atomic struct {
	oid  string
	name dialect.Table
	// single and ofRow: x.f may call it, where x is any value or a row.
	single, ofRow bool
}

// isAtomic is the condition for functions that routinesQuery leaves to
// [loader.useAtomic]: p and l are the function and its language.
const isAtomic = `(l.lanname = 'sql' AND p.prosrc = '' AND p.provolatile <> 'v' AND p.prokind = 'f')`

// isSingle says whether p may be called with one argument, takesRow whether that
// may be a row.
const (
	isSingle = `(p.pronargs >= 1 AND p.pronargs - p.pronargdefaults - (p.provariadic <> 0)::int <= 1)`
	takesRow = `((SELECT t.typtype IN ('c', 'd', 'p') FROM pg_catalog.pg_type t WHERE t.oid = p.proargtypes[0]) IS TRUE)`
)

const (
	// hasBodiesQuery asks whether there are any: servers before 14 have none.
	hasBodiesQuery = `SELECT 1::text FROM pg_catalog.pg_attribute WHERE attrelid = 'pg_catalog.pg_proc'::regclass AND attname = 'prosqlbody'`

	// bodiesQuery lists those functions.
	bodiesQuery = `SELECT p.oid::text, n.nspname::text, p.proname::text, p.prosqlbody::text,
 ` + isSingle + `::text, ` + takesRow + `::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND ` + isAtomic + ` AND p.prosqlbody IS NOT NULL`
)

func (l *loader) loadBodies(trees map[string]string) error {
	has := false
	if err := l.each(hasBodiesQuery, 1, func([]string) { has = true }); err != nil || !has {
		return err
	}
	return l.each(bodiesQuery, 6, func(row []string) { l.body(row, trees) })
}

func (l *loader) body(row []string, trees map[string]string) {
	l.called(row[3])
	l.functions[row[0]], trees[row[0]] = nil, row[3]
	single := row[4] == "true"
	l.atomic = append(l.atomic, atomic{row[0], dialect.Table{Schema: row[1], Name: row[2]}, single, single && row[5] == "true"})
}

// useAtomic adds the functions that say what they read. One that cannot be
// followed is like any that is not immutable.
func (l *loader) useAtomic() {
	for _, a := range l.atomic {
		f := l.functions[a.oid]
		if f == nil {
			continue // gone meanwhile; its name is not known
		}
		b := l.judge(f.tree.text)
		l.asks(b)
		looks := len(b.relations) > 0 || len(b.settings) > 0
		follow := b.refuse == "" && !f.changes
		r := routine{}
		if !follow && (looks || b.writes || b.refuse == dialect.ReasonSessionFunc || f.volatility != 'i') {
			r = routine{volatility: 1, writes: b.writes, taints: true}
		}
		bare := dialect.Table{Name: a.name.Name}
		l.c.routine(a.name, r)
		l.c.routine(bare, r)
		if looks && follow {
			l.c.bodies[a.name] = append(l.c.bodies[a.name], b)
			l.c.bodies[bare] = append(l.c.bodies[bare], b)
			r = routine{volatility: 1, taints: true} // fields are judged by what they may be, not followed
		}
		if a.single {
			l.c.ofValue[a.name.Name] = l.c.ofValue[a.name.Name].or(r)
		}
		if a.ofRow {
			l.c.ofRow[a.name.Name] = l.c.ofRow[a.name.Name].or(r)
		}
	}
}
