package pgsql

import (
	"strings"

	"github.com/querycache/querycache/dialect"
)

// summarise sets what is said of the catalog as a whole.
func (c *catalog) summarise() {
	for _, rels := range c.byName {
		for _, rel := range rels {
			c.fires = c.fires || len(rel.triggers) > 0 || len(rel.rules) > 0 || rel.hidden.taints || rel.policies.taints
			c.hides = c.hides || rel.policies.writes
			for _, name := range rel.functions {
				c.hides = c.hides || c.function(name).writes
			}
		}
	}
	c.hides = c.hides || c.shadowed.writes
	for _, r := range c.ofValue { // those of rows among them
		c.hides = c.hides || r.writes
	}
	for t, r := range c.routines {
		c.hides = c.hides || r.writes && t.Schema == "" && usual(t.Name)
	}
}

// usual reports whether a text that was not analysed may call the routine and
// be taken for one that does nothing.
func usual(name string) bool {
	if name == eventTriggers {
		return false
	}
	if strings.HasPrefix(name, operatorName("")) || strings.HasPrefix(name, typeName("")) {
		return true
	}
	return lexicon.Unparsed("SELECT "+dialect.Table{Name: name}.String()+"()", dialect.ReasonUnparsable).Effect == dialect.NoEffect
}
