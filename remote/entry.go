package remote

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// EntryKey returns what the entry with this digest is stored under. It names
// the namespace and the format of the payload, and may be bound to a sealed
// payload as additional data.
func (t *Tier) EntryKey(key []byte) string { return t.keys.of(key) }

// Get returns the payload stored under key, a digest; nil and no error if
// there is none, or one that is empty or larger than Config.FillBytes. It takes
// at most Config.Timeout, and no time while Redis is known not to answer: then
// the error is [ErrUnavailable]. The payload belongs to the caller.
func (t *Tier) Get(ctx context.Context, key []byte) ([]byte, error) {
	if t.closed.Err() != nil {
		return nil, ErrClosed
	}
	pass, ok := t.breaker.allow()
	if !ok {
		t.counts.refused.Add(1)
		return nil, ErrUnavailable
	}
	bounded, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	start := time.Now()
	payload, err := t.get(bounded, t.data, key)
	if err == nil && payload == nil {
		t.counts.misses.Add(1)
	} else if err == nil {
		t.counts.hits.Add(1)
	}
	took := time.Since(start)
	t.counts.get.add(took, err)
	t.breaker.done(pass, judge(err, ctx.Err() != nil && took < t.timeout/2))
	if err != nil {
		if !isReply(err) {
			reload(t.data)
		}
		return nil, fmt.Errorf("querycache: remote: get: %w", err)
	}
	return payload, nil
}

// ask asks for an entry, for no more of it than a node writes: whoever else may
// write to Redis must not fill the memory of all that read.
func (t *Tier) ask(ctx context.Context, c redis.Cmdable, key []byte) *redis.StringCmd {
	return c.GetRange(ctx, t.keys.of(key), 0, int64(t.filler.limit))
}

// payload is what ask has brought; nil if there is no entry.
func (t *Tier) payload(cmd *redis.StringCmd) ([]byte, error) {
	payload, err := cmd.Bytes()
	if err != nil || len(payload) == 0 || len(payload) > t.filler.limit {
		return nil, err
	}
	return payload, nil
}

// judge tells what the end of an operation says about Redis. An error that the
// server took the time to send shows that it answers, unless the error says
// that it cannot. A caller that gave up early proves nothing.
func judge(err error, early bool) outcome {
	switch {
	case err == nil, isReply(err) && !transient(err):
		return answered
	case early:
		return undecided
	}
	return silent
}
