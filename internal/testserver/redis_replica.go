package testserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// Replica starts a replica of a server, with lines of redis.conf as NewRedis
// does, and returns when it has copied what the server has, to its own file
// too. It follows from then on, but not at once: a test that needs a write to
// be there asks for it, by WAIT or the replica itself.
func Replica(t testing.TB, of *RedisServer, options ...string) *RedisServer {
	t.Helper()
	s := newRedis(t, of.on, "", append([]string{"replicaof " + strings.Replace(of.addr, ":", " ", 1)}, options...))
	s.until(copied)
	return s
}

// Cut makes a replica miss what its primary gets from now on. Stop does not:
// what waits in a stopped server's connections arrives later.
func (s *RedisServer) Cut() {
	s.t.Helper()
	s.must("REPLICAOF", "127.0.0.1", "1") // nobody listens there
}

// Promote makes a replica a primary for good, over Kill and Start too. Its
// former primary is not told.
func (s *RedisServer) Promote() {
	s.t.Helper()
	s.must("REPLICAOF", "NO", "ONE")
	s.must("CONFIG", "REWRITE")
}

// copied is nil once a replica has all that its primary had.
func copied(ctx context.Context, client *goredis.Client) error {
	text, err := client.Info(ctx).Result()
	if err != nil {
		return err
	}
	info := fields(text)
	if status := info["master_link_status"]; status != "up" {
		return fmt.Errorf("its link to its primary is %q", status)
	}
	if info["aof_rewrite_in_progress"]+info["aof_rewrite_scheduled"] != "00" {
		return errors.New("it is still writing what it has copied to its file")
	}
	return nil
}
