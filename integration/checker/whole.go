package checker

import (
	"fmt"
	"hash/fnv"
	"slices"
)

// A Digest is what a reader remembers of the rows that it was given: how many,
// and a sum of them in their order. The zero value is that of none.
type Digest struct {
	Rows int
	sum  uint64
}

// Add adds a row.
func (d *Digest) Add(values ...any) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d", d.sum)
	for _, v := range values {
		fmt.Fprintf(h, "\x00%T %v", v, v)
	}
	d.Rows, d.sum = d.Rows+1, h.Sum64()
}

// An Extract is what one reader was given of an answer.
type Extract struct {
	Name   string // of the reader
	Source string
	Digest
	// Left: the reader wanted no more than it has.
	Left bool
	// Err is how it ended otherwise than by the last row; "" if it did not.
	Err string
	// May are the errors with which it may have ended: those of the database, and
	// of its own doing.
	May []string
}

// A Whole is an answer as the database has it. The zero value has no rows.
type Whole struct{ sums []Digest }

// Add adds a row.
func (w *Whole) Add(values ...any) {
	var next Digest
	if n := len(w.sums); n > 0 {
		next = w.sums[n-1]
	}
	next.Add(values...)
	w.sums = append(w.sums, next)
}

// Rows is how many there are.
func (w *Whole) Rows() int { return len(w.sums) }

// Judge reports what is wrong with an extract: it ended as if it were whole and is
// not, its rows are others, or it ended with an error that it may not have.
func (w *Whole) Judge(x Extract) (all []Violation) {
	report := func(k Kind, format string, args ...any) {
		all = append(all, violation(k, "%s, %d rows from %s: %s", x.Name, x.Rows, x.Source, fmt.Sprintf(format, args...)))
	}
	if x.Rows > 0 && (x.Rows > len(w.sums) || w.sums[x.Rows-1] != x.Digest) {
		report(Mixed, "they are not the first ones of the %d", len(w.sums))
	}
	switch {
	case x.Err != "" && !slices.Contains(x.May, x.Err):
		report(WrongError, "%q instead of %q", x.Err, x.May)
	case x.Err == "" && !x.Left && x.Rows < len(w.sums):
		report(Partial, "as if these were all of the %d", len(w.sums))
	}
	return all
}
