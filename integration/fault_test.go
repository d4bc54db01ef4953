package integration

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache/internal/testserver"
)

// dial returns a client of a server, around proxies.
func dial(t testing.TB, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { c.Close() })
	return c
}

// Half of the writes of a process go to a table that only it writes.
func own(i int, c *memberConfig) { c.Shared, c.Own = 4, []int{4 + i} }

// TestRedisFaults runs a fleet while Redis forgets, dies and hangs.
func TestRedisFaults(t *testing.T) {
	server := testserver.NewRedis(t, "appendonly yes")
	admin := dial(t, server.Addr())
	f := newFleet(t, server.Addr(), 8, 4, own)
	f.begin()
	time.Sleep(poll)
	few := observe(time.Second)

	normal := all(longPoll)
	normal.p99 = 20 * time.Millisecond
	f.phase("normal", func() { time.Sleep(2 * few) }, normal)
	f.works()
	f.phase("FLUSHALL", func() {
		admin.FlushAll(t.Context())
		time.Sleep(few)
	}, all(poll+lease))
	f.works()
	f.phase("SCRIPT FLUSH", func() {
		admin.ScriptFlush(t.Context())
		time.Sleep(few)
	}, all(poll+lease))
	f.works()
	f.phase("DEL of the control key", func() {
		keys := admin.Keys(t.Context(), "{qc:*:z").Val()
		if len(keys) != 1 || admin.Del(t.Context(), keys...).Val() != 1 {
			t.Errorf("control keys: %q", keys)
		}
		time.Sleep(few)
	}, all(poll+lease))
	f.works()
	f.phase("Redis kill -9, AOF restart", func() {
		server.Kill()
		time.Sleep(lease)
		server.Start()
		time.Sleep(few)
	}, all(poll+lease))
	// While it hangs, nobody uses answers. But a process that is back before one
	// that wrote meanwhile does, until that has told: to it, the writer was cut
	// off for as long.
	const hang = 3 * time.Second
	f.phase("Redis hangs for 3 s", func() {
		server.Stop()
		time.Sleep(hang)
		server.Cont()
		time.Sleep(few)
	}, all(hang+longPoll))
	f.end()
}
