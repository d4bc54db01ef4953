package remote

import (
	"sync"
	"time"
)

// State is that of the breaker in front of Get and Set.
type State uint8

const (
	Closed   State = iota // Redis answers
	Open                  // it does not, and is not asked
	HalfOpen              // one operation is asking whether it does again
)

var stateNames = [...]string{"closed", "open", "half-open"}

// String returns the state in lower case.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "invalid"
}

// When the breaker opens, and for how long.
const (
	failuresToOpen = 5 // in a row
	firstPause     = 500 * time.Millisecond
	longestPause   = 4 * time.Second // doubled up to here while probes fail
)

// A breaker spares operations the wait for a Redis that does not answer.
//
//	closed --5 failures in a row--> open --pause--> half-open --success--> closed
//	                                  ^-------------- failure --'
//
// It is safe for concurrent use.
type breaker struct {
	now     func() time.Time
	changed func(from, to State) // called without the lock

	mu       sync.Mutex // guards following
	state    State
	round    uint64 // moves with the state: reports of an older one do not count
	failures int    // in a row, while closed
	pause    time.Duration
	until    time.Time // end of the pause, while open
	opened   int64
}

func newBreaker(now func() time.Time, changed func(from, to State)) *breaker {
	return &breaker{now: now, changed: changed, pause: firstPause}
}

// A pass is the leave to run one operation, and has to be handed back.
type pass uint64

// allow reports whether an operation may run.
func (b *breaker) allow() (pass, bool) {
	b.mu.Lock()
	if b.state == Closed {
		p := pass(b.round)
		b.mu.Unlock()
		return p, true
	}
	if b.state == HalfOpen || b.now().Before(b.until) {
		b.mu.Unlock()
		return 0, false
	}
	b.turnLocked(HalfOpen)
	p := pass(b.round)
	b.mu.Unlock()
	b.changed(Open, HalfOpen)
	return p, true
}

// closed reports whether operations may run, without asking to run one.
func (b *breaker) closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == Closed
}

// outcome is what an operation says about Redis.
type outcome uint8

const (
	answered outcome = iota
	silent
	undecided // the caller gave up first
)

// done hands a pass back. An operation that began before the state changed
// says nothing about the present one.
func (b *breaker) done(p pass, o outcome) {
	b.mu.Lock()
	before := b.state
	if pass(b.round) == p {
		b.doneLocked(o)
	}
	after := b.state
	b.mu.Unlock()
	if before != after {
		b.changed(before, after)
	}
}

func (b *breaker) doneLocked(o outcome) {
	switch {
	case b.state == Closed && o == answered:
		b.failures = 0
	case b.state == Closed && o == silent:
		if b.failures++; b.failures >= failuresToOpen {
			b.openLocked()
		}
	case b.state == HalfOpen && o == answered:
		b.pause, b.failures = firstPause, 0
		b.turnLocked(Closed)
	case b.state == HalfOpen && o == silent:
		b.pause = min(2*b.pause, longestPause)
		b.openLocked()
	case b.state == HalfOpen: // undecided: the next operation may ask at once
		b.turnLocked(Open)
	}
}

func (b *breaker) openLocked() {
	b.until = b.now().Add(b.pause)
	b.opened++
	b.turnLocked(Open)
}

func (b *breaker) turnLocked(s State) {
	b.state = s
	b.round++
}

func (b *breaker) read() (State, int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state, b.opened
}
