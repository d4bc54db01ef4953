package testserver

import (
	"fmt"
	"slices"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

func TestSentinel(t *testing.T) {
	t.Parallel()
	s := NewSentinel(t)
	checkMachine(t, slices.Concat(s.Servers(), s.Sentinels()))
	client := goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName: MasterName, SentinelAddrs: s.Addrs(), DialerRetries: 1,
	})
	defer client.Close()
	ctx := t.Context()
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	primary, replica := s.Servers()[0], s.Servers()[1]
	if s.Primary() != primary {
		t.Error("the primary is not the one that was started as such")
	}
	if n, err := client.Wait(ctx, 1, patience).Result(); n != 1 {
		t.Errorf("%d replicas follow, %v", n, err)
	}
	primary.Kill()
	poll(t, func() error {
		if got := s.Primary(); got != replica {
			return fmt.Errorf("the primary is %s", got.Addr())
		}
		return nil
	})
	poll(t, func() error { return client.Set(ctx, "k2", "v", 0).Err() })
	if n := dial(t, replica.Addr()).Exists(ctx, "k", "k2").Val(); n != 2 {
		t.Errorf("the new primary has %d of 2 keys", n)
	}
}
