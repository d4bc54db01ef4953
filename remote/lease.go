package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Lease is the right to load one entry while the others wait for it. The zero
// value is none. It ends by itself after its time: who holds it may die.
type Lease struct{ key, token string }

// Held reports whether there is a right.
func (l Lease) Held() bool { return l.token != "" }

// Lease asks for the right to load the entry under key, a digest, for ttl, and
// looks at the entry again, in one round trip and with the bounds of
// [Tier.Get]: payload is nil if there is none. Somebody else's lease is no
// error: the [Lease] is then not held.
func (t *Tier) Lease(ctx context.Context, key []byte, ttl time.Duration) (lease Lease, payload []byte, err error) {
	if t.closed.Err() != nil {
		return Lease{}, nil, ErrClosed
	}
	pass, ok := t.breaker.allow()
	if !ok {
		t.counts.refused.Add(1)
		return Lease{}, nil, ErrUnavailable
	}
	bounded, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	lease = Lease{t.keys.leaseOf(key), rand.Text()}
	start := time.Now()
	pipe := t.data.Pipeline()
	// In this order: whoever gets the lease sees what the last one has stored.
	set := pipe.SetArgs(bounded, lease.key, lease.token, redis.SetArgs{Mode: "NX", TTL: max(ttl, time.Millisecond)})
	get := t.ask(bounded, pipe, key)
	err = execute(bounded, pipe)
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	if err == nil && set.Err() != nil && !errors.Is(set.Err(), redis.Nil) {
		err = set.Err()
	}
	if err == nil {
		payload, err = t.payload(get)
	}
	took := time.Since(start)
	t.counts.lease.add(took, err)
	t.breaker.done(pass, judge(err, ctx.Err() != nil && took < t.timeout/2))
	if err != nil {
		if !isReply(err) {
			reload(t.data)
		}
		return Lease{}, nil, fmt.Errorf("querycache: remote: lease: %w", err)
	}
	if set.Err() != nil {
		lease = Lease{}
	}
	return lease, payload, nil
}

// Release gives a lease back, in the background. What was given to
// [Tier.SetLeased] need not be.
func (t *Tier) Release(lease Lease) {
	if lease.Held() && t.closed.Err() == nil {
		t.filler.add(fill{lease: lease}) // if there is no room, it ends by itself
	}
}

// SetLeased is [Tier.Set] by the holder of a lease, which is given back after
// the entry is stored, so that whoever gets it next finds the entry.
func (t *Tier) SetLeased(key, payload []byte, ttl time.Duration, lease Lease) bool {
	if t.set(fill{t.keys.of(key), payload, ttl, lease}) {
		return true
	}
	t.Release(lease)
	return false
}

// releaseScript deletes a lease that is still the caller's.
const releaseScript = `if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0`
