package testserver

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// TestKill: what AOF has is kept over SIGKILL, the incarnation is not.
func TestKill(t *testing.T) {
	t.Parallel()
	kept, lost := NewRedis(t, "appendonly yes"), NewRedis(t)
	for s, want := range map[*RedisServer]int64{kept: 1, lost: 0} {
		if err := dial(t, s.Addr()).Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		before := runID(t, s)
		s.Kill()
		if listens(s.Addr()) {
			t.Error("still listening")
		}
		s.Start()
		if got := dial(t, s.Addr()).Exists(t.Context(), "k").Val(); got != want {
			t.Errorf("%d keys after the restart, want %d", got, want)
		}
		if after := runID(t, s); after == before || after == "" {
			t.Errorf("run_id %q after %q", after, before)
		}
	}
}

func TestStop(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) *RedisServer{
		"alone":    func(t *testing.T) *RedisServer { return NewRedis(t) },
		"in a set": func(t *testing.T) *RedisServer { return newRedis(t, setMachine(t), "", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stops(t, start(t))
		})
	}
}

func stops(t *testing.T, s *RedisServer) {
	client := dial(t, s.Addr())
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := client.Ping(ctx).Err(); err == nil {
		t.Error("a stopped server answers")
	}
	s.Cont()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	s.Stop()
	s.Kill() // works on a stopped one
	s.Start()
	s.Stop() // and so does the end of the test
}

func TestRedisOptions(t *testing.T) {
	t.Parallel()
	s := NewRedis(t, "maxmemory 1", "maxmemory-policy noeviction")
	err := dial(t, s.Addr()).Set(t.Context(), "k", "v", 0).Err()
	if err == nil || err.Error()[:3] != "OOM" {
		t.Errorf("got error %v, want OOM", err)
	}
}

// TestRedisEnds: nothing is left of a test's servers, running or not.
func TestRedisEnds(t *testing.T) {
	var servers []*RedisServer
	var ofSet *RedisServer
	ok := t.Run("servers", func(t *testing.T) {
		ofSet = newRedis(t, setMachine(t), "", nil)
		servers = []*RedisServer{NewRedis(t, "appendonly yes"), NewRedis(t), NewRedis(t)}
		servers[1].Kill()
		servers[2].Stop()
	})
	if !ok {
		return
	}
	for _, s := range servers {
		if listens(s.Addr()) {
			t.Error("still listening")
		}
		if _, err := os.Stat(s.folder); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want it gone", s.folder, err)
		}
	}
	poll(t, func() error { // the daemon takes a moment
		if listens(ofSet.Addr()) {
			return errors.New("the server of a set is still listening")
		}
		return nil
	})
}

func runID(t *testing.T, s *RedisServer) string {
	t.Helper()
	info, err := redisInfo(t.Context(), redis.url(s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	return info["run_id"]
}
