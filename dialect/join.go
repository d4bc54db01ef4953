package dialect

import (
	"cmp"
	"slices"
)

// Join returns the statement of a text that holds parts, two or more: their
// names together, the strongest of their effects, and kind [Write] if all of
// them are writes, else [Unknown].
func Join(parts []*Statement) *Statement {
	all := &Statement{Kind: Write, Refuse: ReasonMulti, Parts: parts}
	for _, p := range parts {
		if p.Kind != Write {
			all.Kind = Unknown
		}
		all.Effect = max(all.Effect, p.Effect)
		all.Calls = all.Calls || p.Calls
		all.Reads = append(all.Reads, p.Reads...)
		all.Writes = append(all.Writes, p.Writes...)
		all.Functions = append(all.Functions, p.Functions...)
		all.Fields = append(all.Fields, p.Fields...)
	}
	all.Normalise()
	return all
}

// Normalise sorts the names of a statement that is being built and makes
// them unique; targets that name the same relation become one.
func (s *Statement) Normalise() {
	slices.SortFunc(s.Reads, compareTables)
	s.Reads = slices.Compact(s.Reads)
	slices.Sort(s.Functions)
	s.Functions = slices.Compact(s.Functions)
	slices.Sort(s.Fields)
	s.Fields = slices.Compact(s.Fields)
	slices.SortFunc(s.Writes, func(a, b Target) int { return compareTables(a.Table, b.Table) })
	n := 0
	for _, t := range s.Writes {
		if n > 0 && s.Writes[n-1].Table == t.Table {
			s.Writes[n-1].Ops |= t.Ops
			continue
		}
		s.Writes[n] = t
		n++
	}
	s.Writes = s.Writes[:n]
}

func compareTables(a, b Table) int {
	return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
}
