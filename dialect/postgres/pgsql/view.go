package pgsql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/querycache/querycache/dialect"
)

// viewsQuery lists the trees of views. What stands in them is not complete in
// pg_depend, which leaves out what is built in; to take them apart on the server
// takes several times as long as to send them.
const viewsQuery = `SELECT c.oid::text, r.ev_action::text
FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
WHERE r.ev_type = '1' AND c.relkind IN ('v', 'm') AND c.oid >= 16384`

// A viewUse is what stands in the tree of a view, by number: the functions that
// it calls, the types that it converts to, and those among them by text, which
// is where 'now' becomes a time.
type viewUse struct {
	view               *relation
	functions, to, via []string
	// fills: a table is made of a document; now: a constant may mean the time.
	fills, now bool
}

func (l *loader) view(row []string) {
	view := l.byOID[row[0]]
	if view == nil {
		return
	}
	use := viewUse{view: view}
	eachField(row[1], func(field string) {
		switch {
		case strings.HasPrefix(field, "relid "):
			l.base(view, row[0], treeWord(field[len("relid "):]))
		case strings.HasPrefix(field, "resulttype "):
			// Only conversions by text have no typmod between type and collation.
			oid := treeWord(field[len("resulttype "):])
			use.to = l.addWord(use.to, oid)
			if strings.HasPrefix(field[len("resulttype ")+len(oid):], " :resultcollid ") {
				use.via = l.addWord(use.via, oid)
			}
		case strings.HasPrefix(field, "varattno "):
			if ofLocksNumbers[treeWord(field[len("varattno "):])] {
				view.body = cmpOr(view.body, dialect.ReasonVolatile)
			}
		case strings.HasPrefix(field, "constvalue "):
			use.now = use.now || constSaysNow(field[len("constvalue "):])
		default:
			use.functions = l.addWord(use.functions, calledIn(field))
		}
	})
	use.fills = strings.Contains(row[1], "{TABLEFUNC ") || strings.Contains(row[1], "{JSONEXPR ")
	for _, oid := range use.functions {
		l.functions[oid] = nil
	}
	l.views = append(l.views, use)
	for _, word := range []string{"SQLVALUEFUNCTION", "NEXTVALUEEXPR", "TABLESAMPLECLAUSE", ":hasForUpdate true"} {
		if strings.Contains(row[1], word) {
			view.body = cmpOr(view.body, dialect.ReasonSessionFunc)
		}
	}
}

// constSaysNow reports whether the bytes of a constant, as they stand in a tree,
// hold a word that means a time by now. In documents words may stand together.
func constSaysNow(field string) bool {
	_, field, _ = strings.Cut(field, "[")
	field, _, _ = strings.Cut(field, "]")
	var b strings.Builder
	for word := range strings.FieldsSeq(field) {
		if c, err := strconv.Atoi(word); err == nil && isLetter(byte(c)) {
			b.WriteByte(byte(c) | 0x20)
		}
	}
	s := b.String()
	return strings.Contains(s, "now") || strings.Contains(s, "today") || strings.Contains(s, "tomorrow") || strings.Contains(s, "yesterday")
}

func (l *loader) base(view *relation, self, oid string) {
	switch base := l.byOID[oid]; {
	case oid == "0", oid == self:
	case base == nil:
		view.body = cmpOr(view.body, dialect.ReasonUnknownTable) // newer, or temporary
	case !slices.Contains(view.bases, base):
		view.bases = append(view.bases, base)
	}
}

// eachField calls f with the rest of a tree from each of its fields on.
func eachField(tree string, f func(field string)) {
	for at := 0; ; {
		next := strings.IndexByte(tree[at:], ':')
		if next < 0 {
			return
		}
		if at += next + 1; at > 1 && tree[at-2] == ' ' {
			f(tree[at:])
		}
	}
}

// calledIn returns the function that a field says is called, "0" if it is not
// one that does.
func calledIn(field string) string {
	for _, name := range callFields {
		if rest, ok := strings.CutPrefix(field, name); ok && rest != "" && rest[0] == ' ' {
			return treeWord(rest[1:])
		}
	}
	return "0"
}

// treeWord returns what stands in front of the next space.
func treeWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return strings.TrimRight(word, ")}")
}

// addWord adds a number that is not there yet. It keeps nothing of the text that
// it was found in.
func (l *loader) addWord(words []string, oid string) []string {
	if oid == "0" || slices.Contains(words, oid) {
		return words
	}
	if _, err := strconv.ParseUint(oid, 10, 32); err != nil {
		return words
	}
	word, ok := l.words[oid]
	if !ok {
		word = strings.Clone(oid)
		l.words[word] = word
	}
	return append(words, word)
}

// useViews judges what stands in views, once the functions are known.
func (l *loader) useViews() error {
	types := make(map[string]string)
	for _, use := range l.views {
		for _, oid := range use.to {
			types[oid] = ""
		}
	}
	if err := l.typeNames(types); err != nil {
		return err
	}
	for _, use := range l.views {
		for _, oid := range use.to {
			name := types[oid]
			if !isBuiltIn(oid) {
				use.view.functions = append(use.view.functions, typeName(name))
			} else if slices.Contains(use.via, oid) && timeTypes[strings.TrimLeft(name, "_")] {
				use.view.body = cmpOr(use.view.body, dialect.ReasonClock)
			}
		}
		for _, oid := range use.functions {
			f := l.functions[oid]
			use.fills = use.fills || f != nil && f.builtIn && recordFunctions[f.name]
			switch {
			case f == nil:
				use.view.body = cmpOr(use.view.body, dialect.ReasonUnknownFunc)
			case f.builtIn && f.volatility == 'i':
			default:
				name := dialect.Table{Schema: f.schema, Name: f.name}
				if name.Schema == "pg_catalog" {
					name.Schema = ""
				}
				use.view.functions = append(use.view.functions, name.String())
			}
		}
		if use.fills && use.now {
			use.view.body = cmpOr(use.view.body, dialect.ReasonClock)
		}
	}
	return nil
}

// typeNames looks the names of types up.
func (l *loader) typeNames(types map[string]string) error {
	if len(types) == 0 {
		return nil
	}
	oids := make([]string, 0, len(types))
	for oid := range types {
		oids = append(oids, oid)
	}
	return l.each("SELECT oid::text, typname::text FROM pg_catalog.pg_type WHERE oid IN ("+strings.Join(oids, ", ")+")", 2,
		func(row []string) { types[row[0]] = row[1] })
}
