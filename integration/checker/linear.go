package checker

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// A version is the state of a table.
type version struct{ number, token int64 }

// An operation is what a process does to a table.
type operation struct {
	write bool
	token int64 // of a write
}

// table is a counter that also says who raised it last. A write takes effect
// between its begin and its end; one of unknown outcome at any time after its
// begin, if the database's log has it.
var table = porcupine.Model{
	Init: func() any { return version{} },
	Step: func(state, input, output any) (bool, any) {
		is, op := state.(version), input.(operation)
		if op.write {
			return true, version{is.number + 1, op.token}
		}
		return output.(version) == is, is
	},
	Equal: func(a, b any) bool { return a == b },
}

// Bypassed are the reads that did not want an answer of a cache, or that got
// none.
func Bypassed(r Read) bool { return !r.InTx && (r.Bypass || r.Source == Database) }

// All are the reads that strict mode would answer for: all but those in
// transactions, which may see what they have written themselves.
func All(r Read) bool { return !r.InTx }

// Linearizable reports whether there is one order, for each table, of its writes
// and of the reads that which chooses, in which each takes effect between its
// begin and its end and each read shows what the last write before it made. It
// searches for as long as limit at most; 0 is for ever.
func (h *History) Linearizable(which func(Read) bool, limit time.Duration) (operations int, all []Violation) {
	parts := make([][]porcupine.Operation, len(h.Logs))
	there := make(map[place]bool)
	for t, log := range h.Logs {
		for _, token := range log {
			there[place{t, token}] = true
			if h.write(t, token) == nil { // by somebody who told nothing
				parts[t] = append(parts[t], porcupine.Operation{Input: operation{true, token}, Return: Never})
			}
		}
	}
	for _, w := range h.Writes {
		if w.Outcome == RolledBack || w.Outcome == Unknown && !there[place{w.Table, w.Token}] {
			// Had those of unknown outcome that never took effect to be
			// tried everywhere, and in every order, the search would not end.
			continue
		}
		end := w.End
		if w.Outcome == Unknown {
			end = Never
		}
		parts[w.Table] = append(parts[w.Table], porcupine.Operation{
			ClientId: w.Process, Input: operation{true, w.Token}, Call: w.Begin, Return: end,
		})
	}
	for _, r := range h.Reads {
		if which(r) {
			parts[r.Table] = append(parts[r.Table], porcupine.Operation{
				ClientId: r.Process, Input: operation{}, Call: r.Begin, Output: version{r.Version, r.Token}, Return: r.End,
			})
		}
	}
	for t, part := range parts {
		operations += len(part)
		switch porcupine.CheckOperationsTimeout(table, part, limit) {
		case porcupine.Illegal:
			all = append(all, violation(NotLinearizable, "t%d, %s", t, count(part)))
		case porcupine.Unknown:
			all = append(all, violation(Undecided, "t%d, %s, in %v", t, count(part), limit))
		}
	}
	return operations, all
}

func count(part []porcupine.Operation) string {
	writes := 0
	for _, op := range part {
		if op.Input.(operation).write {
			writes++
		}
	}
	return fmt.Sprintf("%d writes and %d reads", writes, len(part)-writes)
}
