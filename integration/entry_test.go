package integration

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

// What lies under an entry's key and is not one of this version is a miss.
func TestForeignEntries(t *testing.T) {
	client := redisClient(t, testserver.Redis(t))
	p := newPair(t, client, "CREATE TABLE t (v int); INSERT INTO t VALUES (7)", nil)
	const query = "SELECT v FROM t"
	p.a.warm(query)
	var key string
	var entry []byte
	p.until("the entry is in Redis", func() bool {
		for _, k := range client.Keys(t.Context(), "qc:*"+p.space+"*:e").Val() {
			v := client.Get(t.Context(), k).Val()
			if !strings.Contains(v, "known") { // the other table

				key, entry = k, []byte(v)
			}
		}
		return key != ""
	})
	if got, res := p.node(client, p.dsn, nil).read(query); got != "7" || res.Source() != querycache.Remote {
		t.Fatalf("%s from %v: it is not the entry that is read", got, res.Source())
	}
	size, n := binary.Uvarint(entry[4:])
	rows := 4 + n + int(size)
	change := func(at int) []byte {
		e := slices.Clone(entry)
		e[at]++
		return e
	}
	for name, value := range map[string][]byte{
		"garbage": []byte("\x00garbage\xff"), "empty": {}, "truncated": entry[:len(entry)/2], "one byte short": entry[:len(entry)-1],
		"longer": append(slices.Clone(entry), 0), "another version of rows": change(rows), "a bit of the head": change(6), "a bit of the rows": change(len(entry) - 1),
	} {
		fresh := p.node(client, p.dsn, nil)
		before := fresh.cache.Stats().Shared.Unreadable
		if err := client.Set(t.Context(), key, value, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		want := int64(1)
		if len(value) == 0 {
			want = 0 // none
		}
		got, res := fresh.read(query)
		if unreadable := fresh.cache.Stats().Shared.Unreadable - before; got != "7" || res.Source() != querycache.Database || unreadable != want {
			t.Errorf("%s: %s from %v, %d unreadable", name, got, res.Source(), unreadable)
		}
	}
	// Of another type, it is an error of the command.
	fresh := p.node(client, p.dsn, nil)
	client.Del(t.Context(), key)
	client.LPush(t.Context(), key, "x")
	if got, res := fresh.read(query); got != "7" || res.Source() != querycache.Database {
		t.Errorf("a list: %s from %v", got, res.Source())
	}
}

// In a full Redis that does not evict nothing can be stored; what is written is
// told of all the same.
func TestRedisFull(t *testing.T) {
	server := testserver.NewRedis(t, "maxmemory 8mb", "maxmemory-policy noeviction")
	client := redisClient(t, "redis://"+server.Addr())
	p := newPair(t, client, "CREATE TABLE t (v int); INSERT INTO t VALUES (0); CREATE TABLE u (v int); INSERT INTO u VALUES (0)", nil)
	for size := 1 << 16; size > 0; size /= 2 { // to the last byte
		for i := range 1000 {
			if client.SetNX(t.Context(), strings.Repeat("x", size%7)+string(rune('a'+i)), strings.Repeat("x", size), 0).Err() != nil {
				break
			}
		}
	}
	if err := client.Set(t.Context(), "one more", strings.Repeat("x", 1<<16), 0).Err(); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Fatalf("Redis is not full: %v", err)
	}
	for i, want := range []string{"1", "2", "3"} {
		p.b.warm("SELECT v FROM t")
		p.a.exec("UPDATE t SET v = v + 1")
		p.b.sees("SELECT v FROM t", want, longPoll)
		if i == 1 { // a table that was not written before
			p.b.warm("SELECT v FROM u")
			p.a.exec("UPDATE u SET v = 1")
			p.b.sees("SELECT v FROM u", "1", longPoll)
		}
	}
	third := p.node(client, p.dsn, nil) // can attach
	third.warm("SELECT v FROM t")
	p.b.exec("UPDATE t SET v = 9")
	third.sees("SELECT v FROM t", "9", longPoll)
}

// minimalUser has the rights that the documentation says suffice.
const minimalUser = "user u on >p ~{qc:* ~qc:* &{qc:* +eval +evalsha +info +time +zrange +zadd +zrem +zrangebyscore +zremrangebyscore +zscore +zcard +publish +spublish +subscribe +ssubscribe +get +getrange +set +del +ping +hello"

func TestMinimalUser(t *testing.T) {
	server := testserver.NewRedis(t, minimalUser)
	client := redisClient(t, "redis://u:p@"+server.Addr())
	p := newPair(t, client, "CREATE TABLE t (v int); INSERT INTO t VALUES (0)", nil)
	p.a.warm("SELECT v FROM t")
	p.until("the answer is in Redis", func() bool {
		d := p.a.cache.Stats().Shared.Databases[0]
		return d.Tier.FillsWaiting == 0
	})
	if _, res := p.b.read("SELECT v FROM t"); res.Source() != querycache.Remote {
		t.Errorf("what one has read comes to the other from %v", res.Source())
	}
	p.b.warm("SELECT v FROM t")
	p.a.exec("UPDATE t SET v = 1")
	p.b.sees("SELECT v FROM t", "1", longPoll)
	p.until("a hint", func() bool { // it subscribes a while after it has started
		p.a.exec("UPDATE t SET v = 1")
		return p.b.cache.Stats().Shared.Databases[0].Node.Hints > 0
	})
	leases := int64(0)
	for _, n := range []*node{p.a, p.b} {
		for _, d := range n.cache.Stats().Shared.Databases {
			leases += d.Tier.Lease.Count
			if d.Tier.Get.Errors+d.Tier.Set.Errors+d.Tier.Sync.Errors+d.Tier.Lease.Errors > 0 {
				t.Errorf("%+v", d)
			}
		}
	}
	if leases == 0 {
		t.Error("nobody asked for a lease: what it needs was not tried")
	}
}
