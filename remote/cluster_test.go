package remote

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
	"github.com/redis/go-redis/v9"
)

func dialCluster(t *testing.T, o redis.ClusterOptions) *redis.ClusterClient {
	t.Helper()
	c := redis.NewClusterClient(&o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCluster(t *testing.T) {
	t.Parallel()
	servers := testserver.NewCluster(t, minimalUser+" +cluster|slots +command +asking")
	// Replicas would do for the user's own reads; control uses primaries.
	client := dialCluster(t, redis.ClusterOptions{Addrs: servers.Addrs(), RouteRandomly: true, Username: "u", Password: "p"})
	cfg := Config{Client: client, Namespace: "a}:{b"}
	a := newNodeD(t, attach(t, cfg), "a", time.Minute)
	reader := attach(t, cfg)
	if s := reader.Stats(); !s.Sharded || s.Mode != RunID {
		t.Fatalf("%+v", s)
	}
	hints, end := listen(t, t.Context(), reader)
	a.sync("x")
	if got := receive(t, hints, patience); got.Seq != 1 || !slices.Equal(got.Tags, []string{"x"}) {
		t.Errorf("%+v", got)
	}
	for i := range byte(100) { // on every node
		reader.Set([]byte{i}, []byte{i}, time.Minute)
	}
	await(t, "the entries", func() bool { return reader.Stats().FillsWaiting == 0 })
	for i := range byte(100) {
		if got, err := reader.Get(t.Context(), []byte{i}); err != nil || !slices.Equal(got, []byte{i}) {
			t.Fatalf("%d: %v, %v", i, got, err)
		}
	}
	for _, s := range servers.Nodes() {
		if dialServer(t, s).DBSize(t.Context()).Val() < 10 {
			t.Error("a node has few entries")
		}
	}
	finds(t, client, func(got []string) bool {
		return !slices.ContainsFunc(got, func(c string) bool { return c[0] == 'p' })
	}, "no problem of a minimal user")

	// Every call while the slot of the control key moves has to succeed.
	slot := int(client.ClusterKeySlot(t.Context(), a.tier.keys.control).Val())
	if slot == 0 { // not among the minimal rights
		slot = int(dialServer(t, servers.Nodes()[0]).ClusterKeySlot(t.Context(), a.tier.keys.control).Val())
	}
	var to *testserver.RedisServer
	for _, s := range servers.Nodes() {
		if s != servers.Owner(slot) {
			to = s
		}
	}
	before := a.last.Epoch
	several := func() {
		for range 10 {
			a.sync("y")
		}
	}
	m := servers.Migrate(slot, to)
	several()
	m.Move()
	several()
	m.Finish()
	several()
	// The epoch is bound to a server, and this is another one.
	if a.last.Epoch == before || a.vers["y"] == 0 {
		t.Errorf("after the migration: %+v", a.last)
	}
	if err := receive(t, end, patience); err == nil {
		t.Error("the subscription did not end with its slot")
	}
	await(t, "a subscription to the new owner", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		got := false
		reader.Listen(ctx, func(Hint) { got = true; cancel() }, func() { a.sync("again") })
		return got
	})
}

func TestClusterFailover(t *testing.T) {
	t.Parallel()
	servers := testserver.NewCluster(t)
	client := dialCluster(t, redis.ClusterOptions{Addrs: servers.Addrs()})
	a := newNodeD(t, attach(t, Config{Client: client, Namespace: "x", Timeout: 200 * time.Millisecond}), "a", time.Minute)
	primary := servers.Owner(int(client.ClusterKeySlot(t.Context(), a.tier.keys.control).Val()))
	servers.Replica(primary)
	a.answered("x")
	before := a.last.Epoch
	primary.Kill()
	await(t, "the replica to take over", func() bool { _, err := a.try(); return err == nil })
	if a.last.Epoch == before {
		t.Error("the epoch outlived its server")
	}
}
