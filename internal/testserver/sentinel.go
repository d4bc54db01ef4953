package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// MasterName is what the sentinels of a [SentinelSet] call the primary.
const MasterName = "primary"

// A SentinelSet is a primary, a replica and three sentinels, two of which have
// to agree that the primary is gone; all one test's own, in a container or from
// binaries of this machine. See [RedisServer] for when it ends, and what its
// methods are safe for.
type SentinelSet struct {
	t         testing.TB
	servers   []*RedisServer
	sentinels []*RedisServer
}

// NewSentinel starts a set, with lines of redis.conf for primary and replica
// as [NewRedis] takes them, and returns when the sentinels know the replica
// and each other. That takes 2 s and more: so often do they say hello. A
// primary that does not answer for 2 s is replaced a second or two later.
func NewSentinel(t testing.TB, options ...string) *SentinelSet {
	t.Helper()
	on := setMachine(t)
	primary := newRedis(t, on, "", options)
	s := &SentinelSet{t: t, servers: []*RedisServer{primary, Replica(t, primary, options...)}}
	host, port, err := net.SplitHostPort(primary.addr)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.sentinels = append(s.sentinels, newRedis(t, on, "--sentinel", []string{
			"sentinel monitor " + MasterName + " " + host + " " + port + " 2",
			// A sentinel greets a new primary with up to 1 s of silence: with
			// less than that here, they depose each that they have made.
			"sentinel down-after-milliseconds " + MasterName + " 2000",
			"sentinel failover-timeout " + MasterName + " 3000",
		}))
	}
	for _, sentinel := range s.sentinels {
		sentinel.until(acquainted)
	}
	return s
}

// Primary returns the server that is the primary by the word of the first
// sentinel that answers. Others may learn of a failover a moment later.
func (s *SentinelSet) Primary() *RedisServer {
	s.t.Helper()
	var addr []string
	var err error
	for _, sentinel := range s.sentinels {
		err = sentinel.ask(func(ctx context.Context, client *goredis.Client) error {
			cmd := goredis.NewStringSliceCmd(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName)
			_ = client.Process(ctx, cmd) // the command has its error
			addr, err = cmd.Result()
			return err
		})
		if err == nil {
			break
		}
	}
	for _, server := range s.servers {
		if len(addr) == 2 && server.addr == net.JoinHostPort(addr[0], addr[1]) {
			return server
		}
	}
	s.t.Fatalf("the primary is %q: %v", addr, err)
	return nil
}

// Servers returns the two servers, the first primary first. One that comes
// back as a primary stays so for 10 s, until the sentinels make it a replica.
func (s *SentinelSet) Servers() []*RedisServer { return slices.Clone(s.servers) }

// Sentinels returns the sentinels. What happens to them is the test's
// business: Kill, Start, Stop, Cont.
func (s *SentinelSet) Sentinels() []*RedisServer { return slices.Clone(s.sentinels) }

// Addrs returns the addresses of the sentinels.
func (s *SentinelSet) Addrs() []string { return addrs(s.sentinels) }

// acquainted is nil once a sentinel could lead or support a failover.
func acquainted(ctx context.Context, client *goredis.Client) error {
	master := goredis.NewMapStringStringCmd(ctx, "SENTINEL", "MASTER", MasterName)
	if err := client.Process(ctx, master); err != nil {
		return err
	}
	if n := master.Val()["num-other-sentinels"]; n != "2" {
		return fmt.Errorf("the sentinel knows %s others", n)
	}
	replicas := goredis.NewMapStringStringSliceCmd(ctx, "SENTINEL", "REPLICAS", MasterName)
	if err := client.Process(ctx, replicas); err != nil {
		return err
	}
	for _, replica := range replicas.Val() {
		if replica["master-link-status"] == "ok" {
			return nil
		}
	}
	return errors.New("the sentinel knows no replica")
}
