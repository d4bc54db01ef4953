package remote

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
	"github.com/redis/go-redis/v9"
)

// TestReplicasRefused: control must not read what is late.
func TestReplicasRefused(t *testing.T) {
	t.Parallel()
	replica := testserver.Replica(t, testserver.NewRedis(t))
	_, err := settled(t, Config{Client: dialServer(t, replica), Namespace: "x"})
	if err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("a client of a replica: %v", err)
	}
}

// TestFailover promotes a replica that has missed a bump.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := testserver.NewRedis(t)
	replica := testserver.Replica(t, primary)
	var at atomic.Value // who is primary, as a name or a proxy knows it
	at.Store(primary.Addr())
	client := redis.NewClient(&redis.Options{Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at.Load().(string))
	}})
	t.Cleanup(func() { client.Close() })
	a := newNodeD(t, attach(t, Config{Client: client, Namespace: "x"}), "a", time.Minute)
	a.sync("x")
	if n := dialServer(t, primary).Wait(t.Context(), 1, patience).Val(); n != 1 {
		t.Fatal("the replica does not follow")
	}
	replica.Cut()
	a.sync("lost")
	before := a.last
	primary.Kill()
	if _, err := a.try(); err == nil {
		t.Error("an answer from a dead primary")
	}
	replica.Promote()
	at.Store(replica.Addr())
	await(t, "an answer", func() bool { _, err := a.try(); return err == nil })
	if a.last.Epoch == before.Epoch || a.last.Seq >= before.Seq || len(a.vers) != 0 {
		t.Errorf("after a failover that has lost a bump: %+v", a.last)
	}
	if n := dialServer(t, replica).ZCount(t.Context(), a.tier.keys.control, "(-inf", "(0").Val(); n < 2 {
		t.Errorf("%d records, expected the node's own and the planted one", n)
	}
}

// TestSentinel kills the primary of a set, also under a client that may only
// read from replicas.
func TestSentinel(t *testing.T) {
	t.Parallel()
	set := testserver.NewSentinel(t)
	o := redis.FailoverOptions{MasterName: testserver.MasterName, SentinelAddrs: set.Addrs()}
	client := redis.NewFailoverClient(&o)
	t.Cleanup(func() { client.Close() })
	readOnly := o
	readOnly.ReplicaOnly = true
	replicas := redis.NewFailoverClient(&readOnly)
	t.Cleanup(func() { replicas.Close() })
	if _, err := settled(t, Config{Client: replicas, Namespace: "x"}); err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("ReplicaOnly: %v", err)
	}

	a := newNodeD(t, attach(t, Config{Client: client, Namespace: "x", Timeout: 200 * time.Millisecond}), "a", time.Minute)
	a.answered("x")
	before := a.last.Epoch
	_, end := listen(t, t.Context(), a.tier)
	set.Primary().Kill()
	if err := receive(t, end, patience); err == nil {
		t.Error("the subscription did not end with its server")
	}
	await(t, "the replica to take over", func() bool { _, err := a.try(); return err == nil })
	if a.last.Epoch == before {
		t.Error("the epoch outlived its server")
	}
	hints, _ := listen(t, t.Context(), a.tier)
	a.answered("y")
	receive(t, hints, patience)
}
