package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/fakedriver"
)

// TestMistakeMessages holds what is said of a mistake: the field, what it is and
// what was expected, in the field's own unit.
func TestMistakeMessages(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	t.Cleanup(func() { ring.Close() })
	for _, test := range []struct {
		cfg  querycache.Config
		want string
	}{
		{querycache.Config{DefaultTTL: -time.Second}, "querycache: Config.DefaultTTL is -1s, expected 0 or more"},
		{querycache.Config{MaxRows: -1}, "querycache: Config.MaxRows is -1, expected 0 or more"},
		{querycache.Config{Conns: querycache.Conns{MaxLifetime: -time.Minute}}, "querycache: Config.Conns.MaxLifetime is -1m0s, expected 0 or more"},
		{querycache.Config{Rules: []querycache.Rule{{Tables: []string{"t"}, TTL: 1, Stale: -2 * time.Second}}}, "querycache: Config.Rules[0].Stale is -2s, expected 0 or more"},
		{querycache.Config{Writes: map[string][]string{"public.f(": nil}}, `querycache: Config.Writes["public.f("]: the function is malformed, expected schema.name or schema.name(type, type), in double quotes where they are not plain`},
		{querycache.Config{SealKeys: [][]byte{[]byte("short")}}, "querycache: Config.SealKeys: key 1 of 1 has 5 bytes, expected 32; is it still in hex or base64?"},
		{querycache.Config{Redis: ring}, "querycache: remote: Client is a Ring"},
		{querycache.Config{Redis: (*redis.Client)(nil)}, "querycache: remote: Client is a nil *redis.Client"},
	} {
		cache, err := querycache.New(test.cfg)
		if err == nil {
			cache.Close()
			t.Errorf("no error, want %q", test.want)
		} else if !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

// TestEnvironOfClusters: what a URL cannot mean is not dropped in silence.
func TestEnvironOfClusters(t *testing.T) {
	_, _, err := querycache.Environ(func(name string) (string, bool) {
		return "redis+cluster://user:secret@127.0.0.1:1/3", name == "QUERYCACHE_REDIS_URL"
	})
	if err == nil || !strings.Contains(err.Error(), "QUERYCACHE_REDIS_URL") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a database other than 0 of a Cluster: %v", err)
	}
}

// TestCallMistakes: an error is one line; that of Raw says that nothing was run.
func TestCallMistakes(t *testing.T) {
	cache, err := querycache.New(querycache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	if err := cache.Register("nothing", nil); err == nil || !strings.Contains(err.Error(), `the driver for "nothing" is nil`) {
		t.Errorf("a nil driver: %v", err)
	}
	for _, test := range []struct {
		db     *sql.DB
		tables []string
		want   string
	}{
		{cache.OpenDB(fakedriver.Empty(1)), []string{"a.b.c"}, `querycache: Raw: nothing was run: table "a.b.c" is malformed, expected name or schema.name, in double quotes where they are not plain`},
		{sql.OpenDB(fakedriver.Empty(1)), nil, "querycache: Raw: nothing was run: the connection is not wrapped by a Cache"},
	} {
		defer test.db.Close()
		conn, err := test.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		err = querycache.Raw(context.Background(), conn, func(driver.Conn) error { return errors.New("it was run") }, test.tables...)
		if err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}
