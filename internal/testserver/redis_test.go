package testserver

import (
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

func TestRedis(t *testing.T) {
	url := Redis(t)
	if again := Redis(t); again != url {
		t.Errorf("%s, then %s", url, again)
	}
	options, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, options.Addr)
	const key = "testserver:redis"
	if err := client.Set(t.Context(), key, 1, 0).Err(); err != nil {
		t.Error(err)
	}
	if n, err := client.Del(t.Context(), key).Result(); err != nil || n != 1 {
		t.Errorf("%d deleted, %v", n, err)
	}
	if err := redisReady(t.Context(), url, ""); err != nil {
		t.Error(err)
	}
	if err := redisReady(t.Context(), url, "/elsewhere"); err == nil {
		t.Error("another server on the port passes for ours")
	}
}

// TestRedisVariable: errors are as useful as PostgreSQL's, and tell as little.
func TestRedisVariable(t *testing.T) {
	for _, url := range []string{"redis://user:secret@127.0.0.1:1/0", "127.0.0.1:1 secret"} {
		t.Setenv("QUERYCACHE_TEST_REDIS", url)
		err := complains(t, redis, "QUERYCACHE_TEST_REDIS is set", "Redis")
		if strings.Contains(err.Error(), "secret") {
			t.Error("the error tells the password:", err)
		}
	}
}

// dial returns a client that tries once: what happens is what is tested.
func dial(t *testing.T, addr string) *goredis.Client {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	return client
}
