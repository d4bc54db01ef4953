package querycache

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/querycache/querycache/dialect"
)

// parseDeclaration reads an entry of Config.Writes.
func parseDeclaration(function string, tables []string) (d dialect.Declaration, err error) {
	name := function
	if open := functionArgs(function); open >= 0 {
		if !strings.HasSuffix(function, ")") {
			return d, errFunction
		}
		name, d.Args, d.HasArgs = function[:open], function[open+1:len(function)-1], true
	}
	if d.Function, err = parseTable(name); err != nil || d.Function.Schema == "" {
		return d, errFunction
	}
	for _, table := range tables {
		t, err := parseTable(table)
		if err != nil {
			return d, err
		}
		d.Tables = append(d.Tables, t)
	}
	return d, nil
}

var errFunction = errors.New("the function is malformed, expected schema.name or schema.name(type, type), in double quotes where they are not plain")

// functionArgs returns where the types of a function's arguments begin, -1 if
// there are none.
func functionArgs(function string) int {
	quoted := false
	for i := range len(function) {
		switch {
		case function[i] == '"':
			quoted = !quoted
		case function[i] == '(' && !quoted:
			return i
		}
	}
	return -1
}

// declare tells the catalog what Config.Writes says.
func (c *Cache) declare(catalog dialect.Catalog) dialect.Catalog {
	if len(c.cfg.declarations) == 0 {
		return catalog
	}
	names := slices.Sorted(maps.Keys(c.cfg.Writes))
	declarer, ok := catalog.(dialect.Declarer)
	if !ok {
		c.warnOnce("writes", "the dialect has no use for Config.Writes")
		return catalog
	}
	told, unknown := declarer.Declare(c.cfg.declarations)
	for _, i := range unknown {
		c.warnOnce("writes "+names[i], "Config.Writes names what the database does not know: the function counts as a write of everything", "function", names[i])
	}
	return told
}
