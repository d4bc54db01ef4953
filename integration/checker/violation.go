package checker

import "fmt"

// A Kind is what is violated.
type Kind string

// Kinds of violations.
const (
	Stale           Kind = "stale"            // an answer is older than its bound
	OwnWrite        Kind = "own write"        // a process does not see what it wrote
	Undone          Kind = "rolled back"      // an answer shows what was rolled back
	Unwritten       Kind = "never written"    // an answer shows what never was
	Mixed           Kind = "mixed"            // an answer shows two versions at once
	Partial         Kind = "partial"          // rows are missing
	WrongError      Kind = "wrong error"      // the database made another one, or none
	InTransaction   Kind = "in transaction"   // a transaction was answered by a cache
	WrongLog        Kind = "log"              // the log is not what the writers were told
	NotLinearizable Kind = "not linearizable" // no order explains what was seen
	Undecided       Kind = "undecided"        // the search was given up
	AtRest          Kind = "at rest"          // an answer is wrong for good
)

// A Violation is one thing that must not be.
type Violation struct {
	Kind Kind
	Text string
}

// String returns both parts.
func (v Violation) String() string { return string(v.Kind) + ": " + v.Text }

func violation(k Kind, format string, args ...any) Violation {
	return Violation{k, fmt.Sprintf(format, args...)}
}

// Count returns how many violations there are of each kind.
func Count(list []Violation) map[Kind]int {
	n := make(map[Kind]int)
	for _, v := range list {
		n[v.Kind]++
	}
	return n
}
