package integration

import "github.com/querycache/querycache"

// A memberConfig is the first thing that a process reads on its standard input.
type memberConfig struct {
	Name      string
	DSN       string
	Redis     string // host:port
	Namespace string
	Seed      uint64
	Tables    int
	// Own are tables that no other process writes; half of the writes go
	// there if there are any. The other half go to the first Shared tables; if
	// that is 0, all go to Own.
	Own    []int
	Shared int
	// Readers and Writers run at the same time, with pauses in microseconds.
	Readers, Writers      int
	ReadPause, WritePause int
	// Bypass is how many of a hundred reads do not want the cache.
	Bypass int
	// FirstToken is above all tokens of the processes before.
	FirstToken int64
	// MaxWrites ends the writers; 0 for no limit.
	MaxWrites int64
}

// A command is what it reads after that. At the end of its input it ends.
type command struct {
	Write *bool `json:",omitempty"` // begin or cease writing
	Read  *bool `json:",omitempty"`
	// Quiet ceases both, and waits for what is under way, and until the fleet
	// was told of it.
	Quiet bool `json:",omitempty"`
	// Rest, after Quiet, waits until what others wrote last is known, and reads
	// every table once more.
	Rest bool `json:",omitempty"`
	// Measure tells what it holds.
	Measure bool `json:",omitempty"`
	// Exec is a statement to run at once.
	Exec string `json:",omitempty"`
}

// Kinds of records.
const (
	isReady    = "ready"
	isRead     = "r"
	isBegun    = "b" // a write, before it is sent
	isWritten  = "w" // it has returned; committed or not
	isFailed   = "e"
	isStatus   = "s"
	isLastRead = "l" // at rest
	isQuiet    = "quiet"
	isDone     = "done" // resting
	isHeld     = "held" // what the process holds
	isIdle     = "idle" // MaxWrites are done
)

// A record is one line of what a process tells on its standard output. Times
// are Unix nanoseconds, before and after.
type record struct {
	Kind      string `json:"k"`
	Table     int    `json:"t,omitempty"`
	Version   int64  `json:"v,omitempty"`
	Token     int64  `json:"id,omitempty"`
	Committed bool   `json:"c,omitempty"`
	Before    int64  `json:"a,omitempty"`
	After     int64  `json:"b,omitempty"`
	// Of a read: see checker.Read.
	Bypass  bool   `json:"y,omitempty"`
	InTx    bool   `json:"x,omitempty"`
	Rows    int    `json:"n,omitempty"`
	Torn    bool   `json:"o,omitempty"`
	How     string `json:"s,omitempty"` // source of a read, way of a write, or an error
	*Held   `json:",omitempty"`
	*Status `json:",omitempty"`
}

// Held is what a process holds, after a garbage collection.
type Held struct {
	Goroutines  int    `json:"goroutines"`
	Connections int    `json:"connections"` // sockets; 0 where it is not known
	Heap        uint64 `json:"heap"`        // bytes
}

// A Status is how a process is doing, ten times a second.
type Status struct {
	Live bool `json:"live"`
	// Untold: not all that has been written was told.
	Untold bool `json:"untold"`
	// Late is the most by which a timer of this process was late, since the
	// last status.
	Late int64 `json:"late"`
	// Everything are writes that invalidated everything, by reason.
	Everything map[querycache.Reason]int64 `json:"all"`
	Hits       int64                       `json:"hits"`
	Shared     int64                       `json:"shared"`
	Hints      int64                       `json:"hints"`
	Unreadable int64                       `json:"unreadable"`
	// SyncErrors are Syncs that Redis has not answered in time, so far.
	SyncErrors int64 `json:"syncErrors"`
}
