package querycache

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/querycache/querycache/invalidation"
	"github.com/querycache/querycache/remote"
)

// The times of the protocol; the same on all nodes of a fleet.
const (
	fleetPoll     = 250 * time.Millisecond
	fleetLease    = time.Second
	fleetDeadline = 5 * time.Second
	fleetIdle     = 10 * time.Second
	// maxShared bounds lifetimes where a fleet shares a tier: for as long, and
	// not longer, Redis bumps again and again what a silent node may have
	// written.
	maxShared = 24 * time.Hour
)

var _ invalidation.Store = (*fleet)(nil)

// A fleet is what the processes that share one database in Redis have in common,
// as seen from this one. It joins the node, which knows no Redis, with the tier,
// which knows no tags.
type fleet struct {
	cache *Cache
	ns    string
	id    string // of this node
	node  *invalidation.Node
	// tier is nil as long as Redis was not reached.
	tier   atomic.Pointer[remote.Tier]
	offset atomic.Int64 // of the clock of Redis, nanoseconds
	// touched is when the node was last told that it is in use, by the cache's
	// clock.
	touched atomic.Int64

	mu   sync.Mutex // guards following
	next time.Time  // when attaching is tried again
}

// join makes the process a node of the fleet that shares srv's database.
func (c *Cache) join(srv *server) {
	if c.cfg.Redis == nil {
		return
	}
	switch {
	case srv.id.Weak():
		c.warnOnce("weak", "the shared tier is off: the role may not know which server it is; on PostgreSQL, grant it EXECUTE on pg_control_system() and pg_control_checkpoint()")
		return
	case srv.id == unprobed && c.cfg.Namespace == "":
		c.warnOnce("namespace", "the shared tier is off: what the database is called is not known, set Config.Namespace")
		return
	}
	ns := appendKeyString(appendKeyString(nil, c.cfg.Namespace), string(srv.id))
	f := &fleet{cache: c, ns: string(ns), id: rand.Text()}
	f.node = invalidation.NewNode(srv.space, f, invalidation.NodeConfig{
		Poll: fleetPoll, Lease: fleetLease, Deadline: fleetDeadline, Timeout: remote.DefaultTimeout, Idle: fleetIdle,
		Fail: c.cfg.FailUnannounced, Altered: func() { srv.alter(c) }, Logger: c.cfg.Logger,
	})
	srv.fleet.Store(f)
}

// live reports whether answers may be used: in a fleet, only as long as it is
// known what the others write.
func (s *server) live(ctx context.Context, c *Cache) bool {
	f := s.fleet.Load()
	if f == nil {
		return true
	}
	// Precisely: after the process was stopped, the cache's clock stands where
	// it stood until its goroutine runs.
	if !f.node.Alive(age) {
		return f.node.Revive(ctx)
	}
	if now := c.clock.NowNano(); now-f.touched.Load() > int64(time.Second) {
		f.touched.Store(now)
		f.node.Touch()
	}
	return true
}

// age is the time since t by the clock that says more: one stands still while a
// machine is suspended, the other may be set.
func age(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

func (f *fleet) close() {
	f.node.Close()
	if t := f.tier.Load(); t != nil {
		_ = t.Close() // connections of ours, at the end of their use
	}
}

var errNotAttached = errors.New("querycache: the shared tier was not reached")

// attach connects to Redis when it is first needed, so that a program starts
// also while it is down.
func (f *fleet) attach(ctx context.Context) (*remote.Tier, error) {
	if t := f.tier.Load(); t != nil {
		return t, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().Before(f.next) {
		return nil, errNotAttached
	}
	t, err := remote.New(ctx, remote.Config{Client: f.cache.cfg.Redis, Namespace: f.ns, Logger: f.cache.cfg.Logger})
	if err != nil {
		f.next = time.Now().Add(time.Second)
		if !errors.Is(err, remote.ErrUnavailable) && ctx.Err() == nil {
			f.next = time.Now().Add(time.Minute)
			f.cache.warnOnce("shared", "the shared tier cannot be used, nothing is cached until it can", "error", err)
		}
		return nil, err
	}
	f.tier.Store(t)
	f.cache.start(f.doctor)
	return t, nil
}

// doctor tells the operator, once per cache, what is wrong with the Redis.
func (f *fleet) doctor(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, finding := range remote.Check(ctx, f.cache.cfg.Redis, f.ns) {
		if finding.Severity > remote.Info && ctx.Err() == nil {
			f.cache.warnOnce("doctor "+finding.Code, "shared tier: "+finding.Message, "advice", finding.Hint)
		}
	}
}

// Sync implements invalidation.Store.
func (f *fleet) Sync(ctx context.Context, r invalidation.Request) (invalidation.Reply, error) {
	t, err := f.attach(ctx)
	if err != nil {
		return invalidation.Reply{}, err
	}
	sent := time.Now()
	got, err := t.Sync(ctx, remote.Request{
		Nonce: r.Nonce, Epoch: r.Epoch, After: r.After, Seen: r.Seen,
		Deadline: fleetDeadline, MaxTTL: maxShared,
		Node: f.id, Record: r.Record, Bump: r.Bump, Unknown: r.Unknown, Quiet: r.Quiet,
	})
	if err != nil {
		return invalidation.Reply{}, err
	}
	f.offset.Store(int64(got.Now.Sub(sent.Add(time.Since(sent) / 2))))
	reply := invalidation.Reply{Epoch: got.Epoch, Seq: got.Seq, Changed: make([]invalidation.Change, len(got.Changed))}
	for i, c := range got.Changed {
		reply.Changed[i] = invalidation.Change(c)
	}
	return reply, nil
}

// Listen implements invalidation.Store.
func (f *fleet) Listen(ctx context.Context, hint func(invalidation.Hint), ready func()) error {
	t := f.tier.Load()
	if t == nil {
		return errNotAttached // Sync attaches
	}
	return t.Listen(ctx, func(h remote.Hint) { hint(invalidation.Hint(h)) }, ready)
}

// now is the time by the clock of Redis, which all nodes have in common.
func (f *fleet) now(at time.Time) time.Time { return at.Add(time.Duration(f.offset.Load())) }

func (f *fleet) stats() DatabaseStats {
	st := DatabaseStats{Node: f.node.Stats(), Live: f.node.Alive(age)}
	if t := f.tier.Load(); t != nil {
		st.Tier = t.Stats()
	}
	return st
}
