package testserver

import (
	"fmt"
	"sync"
	"testing"
)

var redisFolder = sync.OnceValues(redis.folder)

// A RedisServer is one test's own, to be broken. It ends with the test, and
// with the test process whichever way that ends.
//
// It runs from binaries of this machine, found or installed. Docker does not
// apply: it has to be a process that can be signalled and that finds its data
// and its port again, and that refuses connections while it is killed, where
// Docker would go on to accept them. No variable does either: what is broken
// must not be anybody else's. Members of a [Cluster] or a [SentinelSet], for
// which less is asked, are in a container where one can be had.
//
// A method that cannot do what it says fails the test, and so is for the
// test's goroutine. None but Addr is safe for concurrent use.
type RedisServer struct{ own }

// NewRedis starts an empty server with lines of redis.conf, such as
// "appendonly yes" or "maxmemory 1mb"; not with a password, which this package
// would not know. Without any, it keeps nothing over a Kill.
func NewRedis(t testing.TB, options ...string) *RedisServer {
	t.Helper()
	redis.needed(t)
	programs, err := redisFolder()
	if err != nil {
		t.Fatal(err)
	}
	return newRedis(t, host(programs), "", options)
}

// newRedis starts a server with a flag.
func newRedis(t testing.TB, on machine, flag string, options []string) *RedisServer {
	t.Helper()
	s := &RedisServer{own{
		t: t, kind: redis, on: on,
		options: append([]string{
			"bind " + on.bind(), "protected-mode no", `save ""`,
			"repl-diskless-sync-delay 0", // 5 s by default, for more replicas to come
		}, options...),
	}}
	s.open(func(folder, port string) string {
		// The server may have rewritten the file.
		return fmt.Sprintf(`test -e redis.conf || printf '%%s\n' 'port %[1]s' 'dir "%[2]s"' "$@" > redis.conf &&
exec %[3]s "%[2]s"/redis.conf %[4]s`, port, folder, on.program("redis-server"), flag)
	})
	return s
}

// Addr returns host:port. It stays the same over Kill and Start.
func (s *RedisServer) Addr() string { return s.addr }

func addrs(servers []*RedisServer) (all []string) {
	for _, s := range servers {
		all = append(all, s.addr)
	}
	return all
}
