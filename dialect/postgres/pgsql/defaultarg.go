package pgsql

import "github.com/querycache/querycache/dialect"

// A defaulting is a function that may be called with fewer arguments than it has.
// What stands in for the others is part of neither the text nor of trees: the
// server puts it in when it plans the call.
type defaulting struct {
	oid  string
	name dialect.Table
	// single and ofRow are as those of [atomic].
	single, ofRow bool
}

// defaultsQuery lists those functions.
const defaultsQuery = `SELECT p.oid::text, n.nspname::text, p.proname::text, p.proargdefaults::text, ` + isSingle + `::text, ` + takesRow + `::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384 AND p.pronargdefaults > 0`

func (l *loader) defaultArgs(row []string) {
	l.called(row[3])
	l.functions[row[0]], l.defaults[row[0]] = nil, row[3]
	single := row[4] == "true"
	l.defaulting = append(l.defaulting, defaulting{row[0], dialect.Table{Schema: row[1], Name: row[2]}, single, single && row[5] == "true"})
}

// useDefaults adds what calls of functions depend on that leave arguments out.
// Whether a call does is not looked at.
func (l *loader) useDefaults() {
	for _, d := range l.defaulting {
		f := l.functions[d.oid]
		if f == nil {
			continue // gone meanwhile
		}
		b := l.judge(f.defaults.text)
		l.asks(b)
		bare := dialect.Table{Name: d.name.Name}
		r := routine{}
		switch looks := len(b.relations) > 0 || len(b.settings) > 0; {
		case b.refuse != "":
			r = routine{volatility: 1, writes: b.writes, taints: b.taints}
			l.c.routine(d.name, r)
			l.c.routine(bare, r)
		case looks:
			l.c.bodies[d.name] = append(l.c.bodies[d.name], b)
			l.c.bodies[bare] = append(l.c.bodies[bare], b)
			r = routine{volatility: 1, taints: true} // fields are not followed
		}
		if d.single {
			l.c.ofValue[d.name.Name] = l.c.ofValue[d.name.Name].or(r)
		}
		if d.ofRow {
			l.c.ofRow[d.name.Name] = l.c.ofRow[d.name.Name].or(r)
		}
	}
}
