package testserver

import (
	"context"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// must sends a command that has to work.
func (s *RedisServer) must(command ...any) {
	s.t.Helper()
	err := s.ask(func(ctx context.Context, client *goredis.Client) error {
		return client.Do(ctx, command...).Err()
	})
	if err != nil {
		s.t.Fatalf("%v: %v", command, err)
	}
}

// ask calls with a client of the server.
func (s *RedisServer) ask(call func(context.Context, *goredis.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	client, err := redisClient(ctx, redis.url(s.addr))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return call(ctx, client)
}

// until asks until the answer is nil.
func (s *RedisServer) until(call func(context.Context, *goredis.Client) error) {
	s.t.Helper()
	poll(s.t, func() error { return s.ask(call) })
}

// poll calls until the answer is nil.
func poll(t testing.TB, call func() error) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := call()
		if err == nil {
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("after %v: %v", patience, err)
		}
	}
}
