package remote

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bounds on what waits to be written, and on what is written at once: a batch
// has the time of one operation.
const (
	maxFills      = 1024
	batchCommands = 64
	batchBytes    = 256 << 10
)

// A fill is an entry that waits to be written, with the lease to give back after
// it; or only a lease.
type fill struct {
	key     string
	payload []byte
	ttl     time.Duration
	lease   Lease
}

func (f fill) bytes() int { return len(f.key) + len(f.payload) + len(f.lease.key) + len(f.lease.token) }

// Set stores payload under key for ttl, rounded up to a millisecond. It
// returns at once, and reports false if the entry will not be written: there
// is no room to wait in, Redis does not answer, ttl is not positive, or the
// tier is closed. An entry that waits may still be lost. The payload must not
// be changed afterwards.
func (t *Tier) Set(key []byte, payload []byte, ttl time.Duration) bool {
	return t.set(fill{key: t.keys.of(key), payload: payload, ttl: ttl})
}

func (t *Tier) set(x fill) bool {
	if x.ttl > 0 && t.closed.Err() == nil && t.breaker.closed() {
		x.ttl = (x.ttl + time.Millisecond - 1).Truncate(time.Millisecond)
		if t.filler.add(x) {
			return true
		}
	}
	t.counts.dropped.Add(1)
	return false
}

// A filler writes entries, several in one round trip, on a goroutine of its
// own: nobody waits for it.
type filler struct {
	tier  *Tier
	limit int // bytes

	mu     sync.Mutex // guards following
	queue  []fill
	count  int // waiting or being written
	bytes  int // of them
	closed bool

	wake chan struct{} // holds one token if there may be something to do
	done sync.WaitGroup
}

func newFiller(t *Tier, limit int) *filler {
	f := &filler{tier: t, limit: limit, wake: make(chan struct{}, 1)}
	f.done.Go(f.run)
	return f
}

func (f *filler) add(x fill) bool {
	f.mu.Lock()
	ok := !f.closed && f.count < maxFills && f.bytes+x.bytes() <= f.limit
	if ok {
		f.queue = append(f.queue, x)
		f.count++
		f.bytes += x.bytes()
	}
	f.mu.Unlock()
	if ok {
		f.signal()
	}
	return ok
}

func (f *filler) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *filler) run() {
	for range f.wake {
		f.mu.Lock()
		batch, closed := f.queue, f.closed
		f.queue = nil
		f.mu.Unlock()
		deadline := time.Now().Add(f.tier.timeout)
		for len(batch) > 0 {
			n := chunk(batch)
			if !closed { // otherwise there is one deadline for all
				deadline = time.Now().Add(f.tier.timeout)
			}
			f.write(batch[:n], deadline)
			f.free(batch[:n])
			batch = batch[n:]
		}
		if closed {
			return
		}
	}
}

// chunk returns how many of the first fills go together, at least one.
func chunk(batch []fill) int {
	bytes := 0
	for i, x := range batch {
		if bytes += x.bytes(); i > 0 && (i == batchCommands || bytes > batchBytes) {
			return i
		}
	}
	return len(batch)
}

func (f *filler) write(batch []fill, deadline time.Time) {
	t := f.tier
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	pass, ok := t.breaker.allow()
	if !ok {
		for _, x := range batch {
			if x.key != "" {
				t.counts.dropped.Add(1)
			}
		}
		return
	}
	pipe := t.data.Pipeline()
	cmds := make([]*redis.StatusCmd, 0, len(batch))
	for _, x := range batch {
		if x.key != "" {
			cmds = append(cmds, pipe.Set(ctx, x.key, x.payload, x.ttl))
		}
		if x.lease.Held() {
			pipe.Eval(ctx, releaseScript, []string{x.lease.key}, x.lease.token)
		}
	}
	start := time.Now()
	err := execute(ctx, pipe)
	took := time.Since(start)
	for _, cmd := range cmds {
		t.counts.set.add(took, cmd.Err())
		if cmd.Err() != nil {
			t.counts.dropped.Add(1)
		}
	}
	t.breaker.done(pass, judge(err, false))
	if err != nil && !isReply(err) {
		reload(t.data)
	}
}

func (f *filler) free(batch []fill) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count -= len(batch)
	for i, x := range batch {
		f.bytes -= x.bytes()
		batch[i] = fill{} // its payload need not stay until the batch is done
	}
}

// waiting returns the number and bytes of the entries that are not written yet.
func (f *filler) waiting() (int64, int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(f.count), int64(f.bytes)
}

// close writes what waits, as far as that goes in the time of one operation,
// and returns when the goroutine has ended.
func (f *filler) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.signal()
	f.done.Wait()
}
