package checker

import "math"

// Never is the end of what has not ended.
const Never = int64(math.MaxInt64)

// Database is the source of a read that was not answered by a cache.
const Database = "database"

// A Read is one that was answered. An error is no answer.
type Read struct {
	Process, Table int
	// Version and Token are what the first row shows; 0 before the first write.
	Version, Token int64
	Begin, End     int64
	// Source is where the answer came from; [Database] if not from a cache.
	Source string
	// Bypass: the reader did not want it from a cache.
	Bypass bool
	// InTx: it was read in a transaction, which may have written what it shows.
	InTx bool
	// Rows is how many there were; 0 if they were not counted. Torn: they did
	// not all show the same version.
	Rows int
	Torn bool
}

// An Outcome is what a writer knows of its write.
type Outcome uint8

// Outcomes of a write.
const (
	Unknown Outcome = iota // it got an error, or was killed
	Committed
	RolledBack
)

// A Write is one of one table; a transaction that writes two is two with one
// token.
type Write struct {
	Process, Table int
	Token          int64 // no other write of the table has it
	Begin          int64
	// End is when it had returned to its caller or, with an unknown outcome,
	// from when on it counts all the same; [Never] if it does not.
	End     int64
	Outcome Outcome
}

// A History is what processes have seen and done. It is filled by its fields and
// Saw, and judged when it is complete; it is not safe for concurrent use.
type History struct {
	Reads  []Read
	Writes []Write
	// Logs are the tokens of each table's versions, first version first, as the
	// database has them in the end.
	Logs [][]int64
	// Rows is how many rows each table has; 0 if that is not judged.
	Rows int

	seen []map[int64]int64
	ends map[place]*Write // made by the first judgement
}

type place struct {
	table int
	token int64
}

// Saw notes that a version, and with it all before it, was committed at a time.
func (h *History) Saw(table int, version, at int64) {
	for len(h.seen) <= table {
		h.seen = append(h.seen, make(map[int64]int64))
	}
	for v := version; v > 0; v-- {
		if old, ok := h.seen[table][v]; ok && old <= at {
			return
		}
		h.seen[table][v] = at
	}
}

// sawAt returns when a version was first known to be committed.
func (h *History) sawAt(table int, version int64) (int64, bool) {
	if table >= len(h.seen) {
		return 0, false
	}
	at, ok := h.seen[table][version]
	return at, ok
}

// write returns the write of a table with a token; nil if nobody told of it.
func (h *History) write(table int, token int64) *Write {
	if h.ends == nil {
		h.ends = make(map[place]*Write, len(h.Writes))
		for i := range h.Writes {
			w := &h.Writes[i]
			h.ends[place{w.Table, w.Token}] = w
		}
	}
	return h.ends[place{table, token}]
}
