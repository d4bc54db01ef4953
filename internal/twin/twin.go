// Package twin judges, in tests, what reads through a cache may show while
// others write: next to each table of one row there is a list of all values
// that writers tried to give it.
package twin

import (
	"fmt"
	"sync"
)

// A Table is the twin of a table. A read may return a value only if it was
// committed, and not one that was replaced by a write that had ended before the
// read began. The zero value holds the committed value 0. It is safe for
// concurrent use.
type Table struct {
	// Writing is held by a writer from before its statement until it has
	// returned: there is one at a time.
	Writing sync.Mutex

	mu    sync.Mutex // guards following
	tries []try      // without the first value
	done  int        // index of the newest value whose write has returned
}

type try struct {
	value     int64
	committed bool
}

// Attempt adds a value that is about to be written, which no other write has.
// What it returns is for Finished.
func (t *Table) Attempt(value int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries = append(t.tries, try{value: value})
	return len(t.tries)
}

// Finished says how the write of a value has ended.
func (t *Table) Finished(i int, committed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries[i-1].committed = committed
	if committed {
		t.done = i
	}
}

// Oldest returns the oldest value that a read which begins now may show, for
// Judge.
func (t *Table) Oldest() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done
}

// Judge says what is wrong with a value that a read has returned for which
// Oldest was asked before; "" if nothing is. It is for the end, when it is known
// what was committed.
func (t *Table) Judge(value int64, oldest int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := 0
	for i, try := range t.tries {
		if try.value != value {
			continue
		}
		if !try.committed {
			return fmt.Sprintf("value %d was rolled back", value)
		}
		at = i + 1
	}
	switch {
	case at == 0 && value != 0:
		return fmt.Sprintf("value %d was never written", value)
	case at < oldest:
		return fmt.Sprintf("value %d is %d writes too old", value, oldest-at)
	}
	return ""
}
