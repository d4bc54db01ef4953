package testserver

import (
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// TestCluster: keys of all slots are served, also when they move and when
// their server dies.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := NewCluster(t)
	if len(c.Addrs()) != 3 {
		t.Fatal(c.Addrs())
	}
	checkMachine(t, c.Nodes())
	client := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: c.Addrs(), DialerRetries: 1})
	defer client.Close()
	t.Run("slots", func(t *testing.T) { clusterSlots(t, client) })
	t.Run("migration", func(t *testing.T) { clusterMigration(t, c, client) })
	t.Run("failover", func(t *testing.T) { clusterFailover(t, c, client) })
}

func clusterSlots(t *testing.T, client *goredis.ClusterClient) {
	seen := make(map[int]bool)
	pipe := client.Pipeline()
	for n := 0; len(seen) < slots; n++ {
		key := fmt.Sprint(n)
		if slot := slotOf(key); !seen[slot] {
			seen[slot] = true
			pipe.Set(t.Context(), key, slot, 0)
		}
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// slotOf is CRC16/XMODEM, of keys without braces.
func slotOf(key string) int {
	crc := uint16(0)
	for _, b := range []byte(key) {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc >> 15
			crc = crc<<1 ^ carry*0x1021
		}
	}
	return int(crc) % slots
}

func clusterMigration(t *testing.T, c *Cluster, client *goredis.ClusterClient) {
	ctx := t.Context()
	const key = "moving"
	for _, k := range []string{key, "{" + key + "}2"} {
		if err := client.Set(ctx, k, "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	slot := int(client.ClusterKeySlot(ctx, key).Val())
	from := c.Owner(slot)
	to := c.Nodes()[0]
	if to == from {
		to = c.Nodes()[1]
	}
	says := func(s *RedisServer, want string) {
		t.Helper()
		got, err := dial(t, s.Addr()).Get(ctx, key).Result()
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %s", got, want)
		}
		if got := client.Get(ctx, key).Val(); got != "v" {
			t.Errorf("the client got %q", got)
		}
	}

	m := c.Migrate(slot, to)
	says(from, "v")
	says(to, "MOVED")
	m.Move()
	says(from, "ASK")
	says(to, "MOVED")
	m.Finish()
	says(from, "MOVED")
	says(to, "v")
	for _, node := range c.Nodes() {
		if node != to {
			says(node, "MOVED "+fmt.Sprint(slot)+" "+to.Addr())
		}
	}
	if c.Owner(slot) != to {
		t.Error("the owner is another")
	}
}

func clusterFailover(t *testing.T, c *Cluster, client *goredis.ClusterClient) {
	ctx := t.Context()
	const key = "failing"
	primary := c.Owner(slotOf(key))
	replica := c.Replica(primary)
	if err := client.Set(ctx, key, "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	primary.Kill()
	poll(t, func() error {
		if owner := c.Owner(slotOf(key)); owner != replica {
			return fmt.Errorf("%s has the slot, not the replica", owner.Addr())
		}
		return nil
	})
	// By itself the client asks again only after a minute, or when a server
	// that it reaches sends it elsewhere.
	client.ReloadState(ctx)
	poll(t, func() error { return client.Get(ctx, key).Err() })

	primary.Start()
	primary.until(copied)
	says := dial(t, primary.Addr()).Get(ctx, key).Err()
	if says == nil || !strings.HasPrefix(says.Error(), "MOVED") {
		t.Errorf("the old primary says %v, want MOVED", says)
	}
}
