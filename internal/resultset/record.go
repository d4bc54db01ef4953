package resultset

import (
	"database/sql/driver"
	"io"

	"github.com/querycache/querycache/internal/mistake"
)

// Limits bounds what [Record] takes into memory. Zero is no limit.
type Limits struct {
	// Rows is the largest number of rows that is still held.
	Rows int
	// Bytes is the largest value of [Set.Bytes] that is still held.
	Bytes int
}

// passed reports whether s is over a limit.
func (l Limits) passed(s *Set) bool {
	return l.Rows > 0 && s.rows > l.Rows || l.Bytes > 0 && s.Bytes() > l.Bytes
}

// Outcome says how a recording ended.
type Outcome uint8

// The outcomes. The zero value is none of them.
const (
	_ Outcome = iota
	// Complete: read to the end and closed, both without an error. Only
	// these have a Set.
	Complete
	// TooLarge: a limit was passed; the rest has not been read.
	TooLarge
	// MoreSets: another result set follows, which has not been read.
	MoreSets
	// Failed: reading or closing returned an error.
	Failed
	// CustomType: a value is of a type that is not known to be immutable and
	// exactly reproducible, and what follows its row has not been read; or
	// the rows scan by themselves in ways that are not known, and nothing
	// has been read.
	CustomType
)

var outcomeNames = [...]string{
	Complete: "complete", TooLarge: "too large", MoreSets: "more sets",
	Failed: "failed", CustomType: "custom type",
}

// String returns the outcome in lower-case words.
func (o Outcome) String() string {
	if 0 < o && int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "invalid"
}

// Record reads live to its end, or until a limit is passed, another result set
// is due, or a value cannot be held exactly; the [Recording] owns live from here
// on. At the end and after an error it closes live at once. The metadata of
// the columns is taken before the first row, so that it is the same for whoever
// is served from the recording, first or later.
//
// scans is asked only if live implements driver.RowsColumnScanner (Go 1.27):
// it returns, for columns of these database types, how each one's values are
// scanned, or nil if that is not known for all of them. It may be nil itself.
//
// A panic of the driver passes through; live is then neither closed nor owned.
func Record(live driver.Rows, limits Limits, scans func(types []string) []ColumnScan) *Recording {
	r := &Recording{live: live, set: newSet(describe(live))}
	read, ok := r.reader(scans)
	if !ok {
		r.why = CustomType
		return r
	}
	// One slice for all rows, as database/sql has it: a driver may find in it
	// what it wrote there before.
	row := make([]driver.Value, len(r.set.columns))
	for {
		if limits.passed(r.set) {
			r.why = TooLarge
			return r
		}
		err := read(row)
		if err != nil && !r.pending {
			r.stop(err)
			return r
		}
		if r.pending || !r.set.add(row) {
			r.why = CustomType
			return r
		}
	}
}

// Recording is what [Record] made of a driver.Rows. A finished one is immutable
// and safe for concurrent use; one that is not belongs to a single user, who
// must call Rows once and close what it returns.
type Recording struct {
	set      *Set // all that was read
	why      Outcome
	live     driver.Rows // nil once closed or handed on
	pending  bool        // live stands on a row that set does not have
	readErr  error       // what ended the reading of a finished one, or io.EOF
	closeErr error       // what closing live returned
}

// Set returns the result, or nil if it is not [Complete].
func (r *Recording) Set() *Set {
	if r.why != Complete && !mistake.Made(mistake.Partial) {
		return nil
	}
	return r.set
}

// Why returns how the recording ended.
func (r *Recording) Why() Outcome { return r.why }

// Err returns the driver's own error if the recording [Failed]: the one that
// ended the reading, else the one of Close. It is nil otherwise.
func (r *Recording) Err() error {
	if r.readErr == io.EOF { //nolint:errorlint // database/sql compares it so
		return r.closeErr
	}
	return r.readErr
}

// Finished reports whether the live rows have been closed, so that nothing of
// the database is held: true if Complete or Failed.
func (r *Recording) Finished() bool { return r.why == Complete || r.why == Failed }

// Rows returns what the caller of the query gets. It is what the live rows
// would have shown: a replay of the Set; or the rows before an error, and then
// that error; or the rows that were read, and then the live ones. A finished
// recording has any number of them, an unfinished one a single one: a second
// call panics.
//
// end, if not nil, is called exactly once, when the statement is over: for a
// finished recording before Rows returns; else at the last io.EOF, at an error
// or at Close, whichever is first, before that call returns.
func (r *Recording) Rows(end func()) driver.Rows {
	if r.Finished() {
		if end != nil {
			end()
		}
		if r.why == Complete {
			return r.set.Rows()
		}
		played := r.set.replay()
		f := &failed{replay: &played.replay, readErr: r.readErr, closeErr: r.closeErr}
		return f.rows(played)
	}
	if r.live == nil {
		panic("bug: second Rows of an unfinished recording")
	}
	t := &tail{prefix: r.set.replay(), live: r.live, eof: r.why == MoreSets, pending: r.pending, end: end}
	r.set, r.live = nil, nil
	return t.rows()
}

// stop ends the recording after err of Next.
func (r *Recording) stop(err error) {
	if err == io.EOF && hasNextResultSet(r.live) { //nolint:errorlint // database/sql compares it so
		r.why = MoreSets
		return
	}
	r.readErr, r.closeErr = err, r.live.Close()
	r.live = nil
	r.why = Complete
	if r.Err() != nil {
		r.why = Failed
	}
	r.set.clip()
}
