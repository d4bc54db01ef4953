package pgsql

import (
	"slices"
	"strings"

	"github.com/querycache/querycache/dialect"
)

const (
	// securityQuery lists the relations under row security and their owners, and
	// the roles that an owner's rights go to.
	securityQuery = `SELECT 'relation', c.oid::text, c.relowner::text, c.relforcerowsecurity::text FROM pg_catalog.pg_class c WHERE c.relrowsecurity
UNION ALL
SELECT 'owner', o.relowner::text, r.rolname::text, ''
FROM (SELECT DISTINCT relowner FROM pg_catalog.pg_class WHERE relrowsecurity AND NOT relforcerowsecurity) o, pg_catalog.pg_roles r
WHERE pg_catalog.pg_has_role(r.oid, o.relowner, 'USAGE')`

	// policiesQuery lists the policies that reads are subject to, whichever role
	// they are for.
	policiesQuery = `SELECT polrelid::text, polqual::text FROM pg_catalog.pg_policy WHERE polcmd IN ('r', '*') AND polqual IS NOT NULL`

	// calledQuery tells of functions by number. Of aggregates of users their own
	// volatility says nothing.
	calledQuery = `WITH ` + untrusted + `
SELECT p.oid::text, n.nspname::text, p.proname::text, (p.oid < 16384 AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace)::text,
 ` + volatility + `::text, (p.prosecdef OR p.proconfig IS NOT NULL OR p.oid >= 16384 AND p.prokind <> 'f')::text,
 (u.writes IS TRUE)::text, (u.oid IS NOT NULL)::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace LEFT JOIN untrusted u ON u.oid = p.oid WHERE p.oid IN (`
)

// loadSecurity reads the policies of relations and the bodies of functions, which
// are trees. Names of settings that are found in them are the catalog's.
func (l *loader) loadSecurity() error {
	owners := make(map[string]map[string]bool)
	owner := make(map[*relation]string)
	policies := make(map[string]*relation) // by text and relation
	trees := make(map[string]string)
	for _, part := range []struct {
		query   string
		columns int
		row     func(row []string)
	}{
		{securityQuery, 4, func(row []string) {
			switch rel := l.byOID[row[1]]; {
			case row[0] == "owner":
				if owners[row[1]] == nil {
					owners[row[1]] = make(map[string]bool)
				}
				owners[row[1]][row[2]] = true
			case rel != nil:
				rel.rowSecurity = true
				if row[3] == "false" {
					owner[rel] = row[2]
				}
			}
		}},
		{policiesQuery, 2, func(row []string) {
			if rel := l.byOID[row[0]]; rel != nil {
				l.called(row[1])
				policies[row[0]+" "+row[1]] = rel
			}
		}},
	} {
		if err := l.each(part.query, part.columns, part.row); err != nil {
			return err
		}
	}
	if err := l.loadBodies(trees); err != nil {
		return err
	}
	if err := l.each(defaultsQuery, 6, l.defaultArgs); err != nil {
		return err
	}
	for rel, oid := range owner {
		rel.exempt = owners[oid]
	}
	if err := l.loadCalled(trees); err != nil {
		return err
	}
	if err := l.useViews(); err != nil {
		return err
	}
	l.useAtomic()
	l.useDefaults()
	for text, rel := range policies {
		_, tree, _ := strings.Cut(text, " ")
		b := l.judge(tree)
		if b.loose || b.refuse != "" {
			b.refuse = dialect.ReasonRowSecurity
		}
		rel.readPolicies = append(rel.readPolicies, b)
		rel.policies = rel.policies.or(routine{writes: b.writes, taints: b.taints})
		l.asks(b)
	}
	return nil
}

// loadCalled reads what is called in trees.
func (l *loader) loadCalled(trees map[string]string) error {
	if len(l.functions) == 0 {
		return nil
	}
	oids := make([]string, 0, len(l.functions))
	for oid := range l.functions {
		oids = append(oids, oid)
	}
	return l.each(calledQuery+strings.Join(oids, ", ")+")", 8, func(row []string) {
		f := &stored{
			schema: row[1], name: row[2], builtIn: row[3] == "true", volatility: row[4][0], changes: row[5] == "true",
			writes: row[6] == "true", taints: row[7] == "true",
			tree: keptTree{text: trees[row[0]]}, defaults: keptTree{text: l.defaults[row[0]]},
		}
		if f.builtIn {
			v := builtin(f.name)
			f.writes, f.taints = v.writes, v.taints
		}
		l.functions[row[0]] = f
	})
}

// maxSettings bounds what a session is asked for.
const maxSettings = 32

// asks notes the settings that sessions are to be asked for.
func (l *loader) asks(b *body) {
	for _, name := range b.settings {
		if slices.Contains(l.c.settings, name) {
			continue
		}
		if len(l.c.settings) >= maxSettings {
			b.refuse = b.refuse.Or(dialect.ReasonRowSecurity)
			continue
		}
		l.c.settings = append(l.c.settings, name)
	}
}

// Settings implements [dialect.SettingCatalog].
func (c *catalog) Settings() []string { return c.settings }

// security notes what the policies of a relation look at, if the session may be
// subject to them. In a view that is a matter of its owner, or of the owner of
// the view that it is in: they are taken to be in force. Which of them apply to
// whom does not matter, as the key holds the user, the role, and what they ask.
func (r *reader) security(rel *relation, inView bool) {
	if !rel.rowSecurity || !inView && (r.session.Bypass || rel.exempt[r.session.Role]) {
		return
	}
	if r.securing[rel] { // the server refuses policies that need themselves
		return
	}
	inner := reader{catalog: r.catalog, session: r.session, seen: make(map[use]bool), securing: map[*relation]bool{rel: true}}
	for rel := range r.securing {
		inner.securing[rel] = true
	}
	for _, b := range rel.readPolicies {
		inner.depends(b)
	}
	r.tags = append(r.tags, inner.tags...)
	r.unasked = r.unasked || inner.unasked
	r.incomplete = r.incomplete || inner.incomplete
	if inner.refuse != "" || len(inner.securing) > maxSecuring {
		r.because(dialect.ReasonRowSecurity) // nobody can vouch for it
		r.call(verdict{inner.refuse, inner.writes, inner.taints})
		r.call(rel.policies.verdict())
	}
}

// maxSecuring bounds how deep policies may lead to tables with policies.
const maxSecuring = 8

// depends notes what a tree depends on.
func (r *reader) depends(b *body) {
	r.because(b.refuse)
	for _, rel := range b.relations {
		r.relation(rel, true)
	}
	for _, name := range b.settings {
		if _, ok := r.session.Asked[name]; !ok {
			r.unasked = true
		}
	}
}
