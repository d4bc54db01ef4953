package testserver

import (
	"context"
	"os"
	"strconv"
	"sync"
	"testing"
)

var redisFolder = sync.OnceValues(redis.folder)

// A RedisServer is one test's own, to be broken. It ends with the test, and
// with the test process whichever way that ends.
//
// It runs from binaries of this machine, found or installed. Docker does not
// apply: it has to be a process that can be signalled and that finds its data
// and its port again, and the members of a cluster tell clients of each other
// by addresses that have to be the same in and outside of them. No variable
// does either: what is broken must not be anybody else's.
//
// A method that cannot do what it says fails the test, and so is for the
// test's goroutine. None but Addr is safe for concurrent use.
type RedisServer struct {
	t       testing.TB
	folder  string
	addr    string
	line    string // shell that starts it
	options []string
	keeper  *leashed // of the folder
	process *leashed // nil while it is killed
	pid     int
}

// NewRedis starts an empty server with lines of redis.conf, such as
// "appendonly yes" or "maxmemory 1mb"; not with a password, which this package
// would not know. Without any, it keeps nothing over a Kill.
func NewRedis(t testing.TB, options ...string) *RedisServer {
	t.Helper()
	return newRedis(t, "", options)
}

// newRedis starts a server with a flag.
func newRedis(t testing.TB, flag string, options []string) *RedisServer {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs a Redis server")
	}
	programs, err := redisFolder()
	if err != nil {
		t.Fatal(err)
	}
	s, err := launchRedis(t, programs, flag, options)
	if err != nil {
		s, err = launchRedis(t, programs, flag, options) // see local
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func launchRedis(t testing.TB, programs, flag string, options []string) (*RedisServer, error) {
	port, err := lastingPort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "querycache-test-")
	if err != nil {
		return nil, err
	}
	keeper, err := run(folder, keep, "keep", folder)
	if err != nil {
		_ = os.RemoveAll(folder) // err is worse
		return nil, err
	}
	s := &RedisServer{
		t: t, folder: folder, addr: "127.0.0.1:" + port, keeper: keeper,
		// The server may have rewritten the file.
		line: `test -e redis.conf || printf '%s\n' "$@" > redis.conf &&
exec "` + programs + `"/redis-server "` + folder + `"/redis.conf ` + flag,
		options: append([]string{
			"port " + port, "bind 127.0.0.1", `dir "` + folder + `"`, `save ""`,
			"repl-diskless-sync-delay 0", // 5 s by default, for more replicas to come
		}, options...),
	}
	t.Cleanup(s.end)
	return s, s.start()
}

func (s *RedisServer) start() error {
	args := []string{"leash", "KILL", "", "sh", "-c", s.line, "sh"}
	process, err := run(s.folder, leash, append(args, s.options...)...)
	if err != nil {
		return err
	}
	s.process = process
	url := redis.url(s.addr)
	if err := redis.wait(url, s.folder, process); err != nil {
		return err
	}
	info, err := redisInfo(context.Background(), url)
	if err != nil {
		return err
	}
	s.pid, err = strconv.Atoi(info["process_id"])
	return err
}

func (s *RedisServer) end() {
	if s.process != nil {
		s.process.let()
		<-s.process.ended
	}
	s.keeper.let()
	<-s.keeper.ended
}

// Addr returns host:port. It stays the same over Kill and Start.
func (s *RedisServer) Addr() string { return s.addr }

func addrs(servers []*RedisServer) (all []string) {
	for _, s := range servers {
		all = append(all, s.addr)
	}
	return all
}
