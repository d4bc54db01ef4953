// Package mistake lets tests make the cache wrong in known ways, to prove that
// they would notice. Nothing but a test calls [Make]: there is no variable of the
// environment for it, for a program must not become wrong by one. As long as no
// mistake is made, asking for one is one atomic load; it is never asked for on
// the way of a hit.
package mistake

import (
	"fmt"
	"sync/atomic"
	"time"
)

// A Mistake is a fault that a cache can have without anybody noticing soon.
type Mistake uint32

// Mistakes, and whose rule each breaks.
const (
	StampLate   Mistake = 1 << iota // the stamp is taken after the query instead of before
	BumpEarly                       // rows of a write bump its tables before they are read
	BumpFirst                       // what a transaction has written is bumped before its COMMIT
	FillInTx                        // reads of a transaction are served and stored
	NoRecord                        // nobody is told beforehand what may be written
	OneSweep                        // what a silent writer may have written is bumped once, not again and again
	TornView                        // the view of a new epoch keeps the sequence number of the old one
	IgnoreEpoch                     // the epoch that a bump is acknowledged under is not looked at
	Delete                          // entries in Redis have no versions: they are right until they are deleted
	Partial                         // rows that ended by an error, or were too many, are stored as if they were all
	last
)

var names = map[Mistake]string{
	StampLate: "stamp taken after the query", BumpEarly: "rows of writes bump at Query", BumpFirst: "bump before the COMMIT",
	FillInTx: "reads of transactions stored", NoRecord: "no writer record", OneSweep: "one sweep only",
	TornView: "torn view", IgnoreEpoch: "acknowledged epoch ignored", Delete: "DEL instead of versions",
	Partial: "parts of answers stored",
}

// String describes it.
func (m Mistake) String() string {
	if name, ok := names[m]; ok {
		return name
	}
	return fmt.Sprintf("mistake %#x", uint32(m))
}

var made atomic.Uint32

// Made reports whether a mistake is being made.
func Made(m Mistake) bool { return Mistake(made.Load())&m != 0 }

// Make makes one, in the whole process, until undo is called. It is for tests
// that run alone.
func Make(m Mistake) (undo func()) {
	made.Or(uint32(m))
	return func() { made.And(^uint32(m)) }
}

// Linger lets others act between two steps that are done in the wrong order: on a
// fast machine nobody would come between them.
func Linger() { time.Sleep(time.Millisecond) }
