package testserver

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"
)

var redis = kind{
	name:     "Redis",
	variable: "QUERYCACHE_TEST_REDIS",
	image:    "redis:7",
	port:     "6379/tcp",
	programs: []string{"redis-server"},
	folders:  "/usr/bin",
	deb:      "redis-server",
	// Installing does not start the package's own server, but the next start
	// of the machine would.
	prepare: `unit=/etc/systemd/system/redis-server.service
		test -e $unit || test -L $unit || { mkdir -p "${unit%/*}" && ln -s /dev/null $unit; }`,
	options: []string{"--save", "", "--appendonly", "no"},
	command: redisCommand,
	url:     func(hostport string) string { return "redis://" + hostport + "/0" },
	ready:   redisReady,
	quit:    "KILL",
	keep:    keep,
	pid:     redisPid,
}

var redisServer = sync.OnceValues(redis.server)

// Redis returns the address, a URL, of a server that every test of this
// process gets, and with QUERYCACHE_TEST_REDIS others too. It is never
// emptied, and there is no equivalent of a test's own database, for channels
// know none: each test needs a key prefix of its own, must not expect other
// keys to be absent, and does nothing that other tests would notice, such as
// FLUSHALL or CONFIG SET. [NewRedis] is for those.
func Redis(t testing.TB) string {
	t.Helper()
	redis.needed(t)
	server, err := redisServer()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// redisCommand uses a file, though there is nothing in it, because the server
// tells which file it is: see redisReady.
func redisCommand(programs, folder, port string) string {
	return fmt.Sprintf(`: > "%[2]s"/redis.conf &&
exec "%[1]s"/redis-server "%[2]s"/redis.conf --port %[3]s --bind 127.0.0.1 --dir "%[2]s" "$@"`, programs, folder, port)
}

func redisReady(ctx context.Context, url, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	info, err := redisInfo(ctx, url)
	if err != nil {
		return err
	}
	if file := info["config_file"]; folder != "" && file != folder+"/redis.conf" {
		return fmt.Errorf("another server, of %q, has the port", file)
	}
	return nil
}

func redisPid(ctx context.Context, url, _ string) (int, error) {
	info, err := redisInfo(ctx, url)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(info["process_id"])
}
