package testserver

import (
	"context"
	"fmt"
	"net"
	"slices"

	goredis "github.com/redis/go-redis/v9"
)

// A Migration is a slot on its way from one node of a cluster to another.
type Migration struct {
	c        *Cluster
	slot     int
	from, to *RedisServer
}

// Owner returns the node that has a slot, by the word of the first node that
// answers. CLUSTER KEYSLOT is the way from a key to its slot.
func (c *Cluster) Owner(slot int) *RedisServer {
	c.t.Helper()
	var shards []goredis.ClusterShard
	var err error
	for _, node := range c.nodes {
		err = node.ask(func(ctx context.Context, client *goredis.Client) (err error) {
			shards, err = client.ClusterShards(ctx).Result()
			return err
		})
		if err == nil {
			break
		}
	}
	for _, shard := range shards {
		for _, r := range shard.Slots {
			if int64(slot) < r.Start || int64(slot) > r.End {
				continue
			}
			for _, n := range shard.Nodes {
				i := slices.Index(c.Addrs(), fmt.Sprintf("%s:%d", n.IP, n.Port))
				if n.Role == "master" && i >= 0 {
					return c.nodes[i]
				}
			}
		}
	}
	c.t.Fatalf("nobody has slot %d: %v, %v", slot, shards, err)
	return nil
}

// Migrate begins to move a slot to another primary. Until [Migration.Finish]
// the old node serves the keys that it still has, which is all of them until
// [Migration.Move], and for others says ASK: the new one.
func (c *Cluster) Migrate(slot int, to *RedisServer) *Migration {
	c.t.Helper()
	m := &Migration{c: c, slot: slot, from: c.Owner(slot), to: to}
	to.must("CLUSTER", "SETSLOT", slot, "IMPORTING", m.from.nodeID())
	m.from.must("CLUSTER", "SETSLOT", slot, "MIGRATING", to.nodeID())
	return m
}

// Move moves the slot's keys.
func (m *Migration) Move() {
	m.c.t.Helper()
	host, port, err := net.SplitHostPort(m.to.addr)
	if err != nil {
		m.c.t.Fatal(err)
	}
	err = m.from.ask(func(ctx context.Context, client *goredis.Client) error {
		for {
			keys, err := client.ClusterGetKeysInSlot(ctx, m.slot, 100).Result()
			if err != nil || len(keys) == 0 {
				return err
			}
			command := []any{"MIGRATE", host, port, "", 0, patience.Milliseconds(), "KEYS"}
			for _, key := range keys {
				command = append(command, key)
			}
			if err := client.Do(ctx, command...).Err(); err != nil {
				return fmt.Errorf("moving %q: %w", keys, err)
			}
		}
	})
	if err != nil {
		m.c.t.Fatal(err)
	}
}

// Finish moves the keys that are left and tells all who has the slot now. The
// old node says MOVED from then on.
func (m *Migration) Finish() {
	m.c.t.Helper()
	m.Move()
	assign := []any{"CLUSTER", "SETSLOT", m.slot, "NODE", m.to.nodeID()}
	m.to.must(assign...) // first: there must not be a moment without an owner
	m.from.must(assign...)
	for _, node := range m.c.nodes {
		if node != m.to && node != m.from {
			// A replica refuses and one that is broken does not listen;
			// they hear of it from the others.
			_ = node.ask(func(ctx context.Context, client *goredis.Client) error {
				return client.Do(ctx, assign...).Err()
			})
		}
	}
}
