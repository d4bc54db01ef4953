package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// controlPool is the number of control connections: SYNC runs one at a time,
// and one more is there when a broken one is being replaced.
const controlPool = 3

// copyClient returns a client to the same server that neither retries nor
// ignores deadlines; with the defaults of go-redis a command to a refused port
// takes seconds whatever its context says. pool 0 keeps the user's pool size.
// It reports false if c is of a type it cannot copy, and then returns c, which
// has to be [Usable].
//
// What a copy does not have: hooks, a limiter, client-side caching (an entry
// would be kept twice) and maintenance notifications (they relax timeouts).
func copyClient(c Client, timeout time.Duration, pool int) (Client, bool) {
	switch c := c.(type) {
	case *redis.Client:
		o := *c.Options() // read-only by its contract
		o.MaxRetries = -1
		o.ContextTimeoutEnabled = true
		// Deadlines come from contexts; these only bound what has none, as
		// the dial that goes on in the background after its caller gave up.
		unbounded := max(timeout, attachTimeout)
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = unbounded, unbounded, unbounded
		o.DialerRetries, o.PoolTimeout = 1, timeout
		o.MinIdleConns, o.PipelinePoolSize = 0, 1
		if pool > 0 {
			o.PoolSize, o.MaxActiveConns, o.MaxIdleConns, o.MaxConcurrentDials = pool, 0, 0, 0
		}
		o.Limiter, o.AutoPipelineOptions = nil, nil
		o.ClientSideCache, o.ClientSideCacheConfig = nil, nil
		o.ClientSideCacheRefreshOnInvalidate, o.ClientSideCacheCoalesceMisses = false, false
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		return redis.NewClient(&o), true

	case *redis.ClusterClient:
		o := *c.Options()
		o.MaxRetries = -1
		o.MaxRedirects = 3 // not retries: a slot that moves is no fault
		o.MinRetryBackoff, o.MaxRetryBackoff = time.Millisecond, timeout/4
		// A replica may not have heard of the last write.
		o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false
		o.ContextTimeoutEnabled = true
		unbounded := max(timeout, attachTimeout)
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = unbounded, unbounded, unbounded
		o.DialerRetries, o.PoolTimeout = 1, timeout
		o.MinIdleConns = 0
		if pool > 0 {
			o.PoolSize, o.MaxActiveConns, o.MaxIdleConns, o.MaxConcurrentDials = pool, 0, 0, 0
		}
		o.AutoPipelineOptions = nil
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		return redis.NewClusterClient(&o), true
	}
	return c, false
}

// Usable says what is wrong with a client that no Tier can use: it is nil, or a
// Ring. It asks no server.
func Usable(c Client) error {
	nothing := c == nil
	switch c := c.(type) {
	case *redis.Client:
		nothing = c == nil
	case *redis.ClusterClient:
		nothing = c == nil
	case *redis.Ring:
		return errors.New("querycache: remote: Client is a Ring, whose keys move when a shard fails, so that nodes would lose sight of each other; use a single server, Sentinel or Cluster")
	}
	if nothing {
		return fmt.Errorf("querycache: remote: Client is a nil %T, expected a go-redis client", c)
	}
	return nil
}

// reload makes a Cluster client find out again who has which slot. By itself
// it does so when a node says that another has it, not when a node is gone. It
// returns at once and may be called often.
func reload(c Client) {
	if c, ok := c.(*redis.ClusterClient); ok {
		c.ReloadState(context.Background())
	}
}
