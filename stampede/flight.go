// Package stampede keeps many callers that want the same thing at the same time
// from all asking for it. It knows no SQL and no cache, uses the standard
// library only and starts no goroutine.
package stampede

import (
	"context"
	"sync"
)

// Outcome says who may have what a load returned.
type Outcome uint8

const (
	// Retry: the trouble is the loader's own (its context ended, its
	// connection broke). One of those who wait loads anew.
	Retry Outcome = iota
	// Share: value or error are for everybody who waits.
	Share
	// Scatter: what was loaded cannot be shared, and the next load would
	// end alike. Those who wait each load on their own.
	Scatter
	// Again: what was waited for is too old by now. All, the loader too, begin
	// anew with a new stamp.
	Again
)

// A Result is the outcome for one caller of [Flight.Do].
type Result[V any] struct {
	Value V
	Err   error
	// Shared: value and error come from another caller's load.
	Shared bool
	// Scattered: another caller's load ended with [Scatter]; there is no
	// value, Err is that load's, and this caller has to load by itself.
	Scattered bool
}

// A Flight coalesces loads of the same key. K identifies what is loaded, V is
// what is loaded, S is a stamp: as of when it is read. The zero value is ready;
// a Flight is safe for concurrent use and must not be copied.
//
// A load runs on its caller's goroutine, with its caller's context: it uses a
// connection that nobody else may. When that caller fails for reasons of its
// own, or panics, or ends its goroutine, one of those who wait takes over.
//
// Nobody gets an answer older than its own last write. The leader takes its
// stamp before its load reads anything, and a caller joins only if that stamp
// is good enough for it at that moment:
//
//	leader                      writer, then caller
//	stamp s
//	publishes the call
//	query sent, old rows read
//	                            write ends, bump: version > s
//	                            Do: join(s) is false
//	                            takes a new stamp, leads a call of its own,
//	                            which replaces the old one for later callers
//	ends: shares the old rows
//	with those who joined before
//	the write had ended
type Flight[K comparable, V, S any] struct {
	mu    sync.Mutex // guards calls
	calls map[K]*call[V, S]
}

// A call is one load under way.
type call[V, S any] struct {
	stamp S
	done  chan struct{} // closed when the load has ended; then the following are set

	value   V
	err     error
	outcome Outcome
}

// Do returns the value for key from a load that is under way, if join finds
// its stamp good enough, or else from load. It calls stamp, and nothing of
// load, before others can join.
//
// A caller whose ctx ends while it waits returns the context's error at once;
// those it waited with are not affected. Values and errors are not kept: when
// the last caller has returned, the Flight holds nothing.
func (f *Flight[K, V, S]) Do(ctx context.Context, key K, stamp func() S, join func(S) bool, load func(context.Context, S) (V, Outcome, error)) Result[V] {
	for {
		f.mu.Lock()
		c := f.calls[key]
		f.mu.Unlock()
		if c != nil && join(c.stamp) {
			res, again := wait(ctx, c)
			if !again {
				return res
			}
			continue
		}
		mine := &call[V, S]{stamp: stamp(), done: make(chan struct{})}
		if f.replace(key, c, mine) {
			res := f.lead(ctx, key, mine, load)
			if mine.outcome != Again {
				return res
			}
			continue
		}
		// Somebody else was quicker, perhaps with a call worth joining.
	}
}

// wait returns what the call ended with; again is set if it ended with the
// leader's own trouble.
func wait[V, S any](ctx context.Context, c *call[V, S]) (res Result[V], again bool) {
	select {
	case <-c.done:
	default:
		select {
		case <-c.done:
		case <-ctx.Done():
			return Result[V]{Err: ctx.Err()}, false
		}
	}
	switch c.outcome {
	case Share:
		return Result[V]{Value: c.value, Err: c.err, Shared: true}, false
	case Scatter:
		return Result[V]{Err: c.err, Scattered: true}, false
	}
	// A caller that cannot load must not take the load over.
	if err := ctx.Err(); err != nil {
		return Result[V]{Err: err}, false
	}
	return res, true
}

// replace publishes mine if the call for key is still old.
func (f *Flight[K, V, S]) replace(key K, old, mine *call[V, S]) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[key] != old {
		return false
	}
	if f.calls == nil {
		f.calls = make(map[K]*call[V, S])
	}
	f.calls[key] = mine
	return true
}

// lead loads. Until the load has returned, the outcome is Retry: that is what
// those who wait find if it panics or ends the goroutine. The panic is not
// recovered, so it keeps its value and its stack.
func (f *Flight[K, V, S]) lead(ctx context.Context, key K, mine *call[V, S], load func(context.Context, S) (V, Outcome, error)) Result[V] {
	defer func() {
		f.mu.Lock()
		// A newer call may have taken the place.
		if f.calls[key] == mine {
			delete(f.calls, key)
		}
		f.mu.Unlock()
		close(mine.done)
	}()
	mine.value, mine.outcome, mine.err = load(ctx, mine.stamp)
	return Result[V]{Value: mine.value, Err: mine.err}
}
