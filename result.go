package querycache

import (
	"sync"
	"time"
)

// Source is where the rows of a statement came from.
type Source uint8

// The sources.
const (
	Unknown   Source = iota // no statement has returned yet
	Local                   // the in-process tier
	Remote                  // the shared tier
	Database                // a query of this caller's own
	Coalesced               // another caller's query that was under way
	Stale                   // kept beyond its time, as the statement allowed
)

var sourceNames = [...]string{"unknown", "local", "remote", "database", "coalesced", "stale"}

// String returns the source in lower case.
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return "invalid"
}

// A Result tells where rows came from; see [WithResult]. It is safe for
// concurrent use.
type Result struct {
	mu     sync.Mutex // guards following
	source Source
	reason Reason
	age    time.Duration
	ttl    time.Duration
}

// Source returns where the rows came from.
func (r *Result) Source() Source { r.mu.Lock(); defer r.mu.Unlock(); return r.source }

// Reason returns why the statement was not cached; empty if it was, or was
// stored now.
func (r *Result) Reason() Reason { r.mu.Lock(); defer r.mu.Unlock(); return r.reason }

// Age returns how long before the answer its query was started, at most
// local.Resolution too much and never too little; 0 for an answer of a query
// that was sent, or under way, when it was asked for.
func (r *Result) Age() time.Duration { r.mu.Lock(); defer r.mu.Unlock(); return r.age }

// TTL returns the lifetime that was asked for, by a context, hint, rule or
// default, whichever is the strongest; 0 if none was. What is kept may live
// shorter: see local.Config.Jitter and [Config.Redis].
func (r *Result) TTL() time.Duration { r.mu.Lock(); defer r.mu.Unlock(); return r.ttl }

// report notes what happened, if anybody asked.
func (o *options) report(source Source, reason Reason, age, ttl time.Duration) {
	if o == nil || o.result == nil {
		return
	}
	r := o.result
	r.mu.Lock()
	r.source, r.reason, r.age, r.ttl = source, reason, age, ttl
	r.mu.Unlock()
}
