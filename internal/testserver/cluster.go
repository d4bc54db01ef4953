package testserver

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// slots is how many a Redis Cluster has.
const slots = 16384

// A Cluster is a Redis Cluster that is one test's own: in a container, or from
// binaries of this machine. A container has room for 8 members. See
// [RedisServer] for when it ends, and what its methods are safe for.
type Cluster struct {
	t     testing.TB
	on    machine
	nodes []*RedisServer
}

// NewCluster starts three primaries without replicas, with lines of redis.conf
// as [NewRedis] does, and returns when each of them serves and knows who has
// which slot. It needs Redis 7. That takes 2 s and more: a new primary waits for so long.
func NewCluster(t testing.TB, options ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, on: setMachine(t)}
	const primaries = 3
	for i := range primaries {
		node := c.add(options)
		first, end := slots*i/primaries, slots*(i+1)/primaries
		node.must("CLUSTER", "ADDSLOTSRANGE", first, end-1)
	}
	c.settle()
	c.tolerate(15 * time.Second)
	return c
}

// tolerate says for how long a node may be silent: without a replica that would
// take its place nothing comes of the others' noticing, but that they refuse to
// serve, and on a busy machine a node may be silent for a second.
func (c *Cluster) tolerate(d time.Duration) {
	c.t.Helper()
	for _, node := range c.nodes {
		node.must("CONFIG", "SET", "cluster-node-timeout", d.Milliseconds())
	}
}

// Replica starts a replica of a primary of the cluster, with lines of
// redis.conf as NewRedis does, and returns when it has copied what that has
// and all know it. If the primary does not answer for the
// cluster-node-timeout, 1 s, the replica takes its place within seconds.
func (c *Cluster) Replica(of *RedisServer, options ...string) *RedisServer {
	c.t.Helper()
	s := c.add(options)
	id := of.nodeID()
	s.until(func(ctx context.Context, client *goredis.Client) error {
		return client.ClusterReplicate(ctx, id).Err() // fails while it has not met that one
	})
	s.until(copied)
	own := s.nodeID()
	for _, node := range c.nodes {
		node.until(func(ctx context.Context, client *goredis.Client) error {
			shards, err := client.ClusterShards(ctx).Result()
			if err != nil {
				return err
			}
			for _, shard := range shards {
				for _, n := range shard.Nodes {
					if n.ID == own && n.Role == "replica" && n.Health == "online" {
						return nil
					}
				}
			}
			return fmt.Errorf("%s does not know the replica", node.addr)
		})
	}
	c.tolerate(time.Second)
	return s
}

// Nodes returns all members, in the order in which they were started. What
// happens to them is the test's business: Kill, Start, Stop, Cont.
func (c *Cluster) Nodes() []*RedisServer { return slices.Clone(c.nodes) }

// Addrs returns the addresses of all members.
func (c *Cluster) Addrs() []string { return addrs(c.nodes) }

// add starts a node and introduces it to the others.
func (c *Cluster) add(options []string) *RedisServer {
	c.t.Helper()
	s := newRedis(c.t, c.on, "", append([]string{
		"cluster-enabled yes", "cluster-config-file nodes.conf",
		"cluster-node-timeout 1000", "cluster-announce-ip 127.0.0.1",
		"repl-ping-replica-period 1", // the others do not count a replica that got nothing yet
	}, options...))
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, node := range c.nodes {
		node.must("CLUSTER", "MEET", host, port)
	}
	c.nodes = append(c.nodes, s)
	return s
}

// settle returns when every node knows all others and who has each slot.
func (c *Cluster) settle() {
	c.t.Helper()
	for _, node := range c.nodes {
		node.until(func(ctx context.Context, client *goredis.Client) error {
			text, err := client.ClusterInfo(ctx).Result()
			if err != nil {
				return err
			}
			info := fields(text)
			if info["cluster_state"] != "ok" || info["cluster_slots_ok"] != strconv.Itoa(slots) ||
				info["cluster_known_nodes"] != strconv.Itoa(len(c.nodes)) {
				return fmt.Errorf("%s does not know the cluster yet:\n%s", node.addr, text)
			}
			return nil
		})
	}
}

// nodeID returns what the cluster calls the server.
func (s *RedisServer) nodeID() (id string) {
	s.t.Helper()
	err := s.ask(func(ctx context.Context, client *goredis.Client) (err error) {
		id, err = client.ClusterMyID(ctx).Result()
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}
