package integration

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
	"github.com/querycache/querycache/remote"
)

// What lies under an entry's key and is not one of this version is a miss.
func TestForeignEntries(t *testing.T) {
	client := redisClient(t, testserver.Redis(t))
	p := newPair(t, client, "CREATE TABLE t (v int); INSERT INTO t VALUES (7)", nil)
	p.unplant(client)
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
	// fresh is a node that reads what was put there, and has asked Redis for it:
	// which may miss its time.
	fresh := func(put func() error) (n *node, got string, res *querycache.Result) {
		for range 10 {
			n = p.node(client, p.dsn, nil)
			if err := put(); err != nil {
				t.Fatal(err)
			}
			if got, res = n.steady(query); n.shared().Tier.Get.Timeouts+n.shared().Tier.Refused == 0 {
				break
			}
		}
		p.until("nobody writes the entry any more", func() bool { return n.shared().Tier.FillsWaiting == 0 })
		return n, got, res
	}
	if _, got, res := fresh(func() error { return nil }); got != "7" || res.Source() != querycache.Remote {
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
		want := int64(1)
		if len(value) == 0 {
			want = 0 // none
		}
		n, got, res := fresh(func() error { return client.Set(t.Context(), key, value, time.Minute).Err() })
		if unreadable := n.cache.Stats().Shared.Unreadable; got != "7" || res.Source() != querycache.Database || unreadable != want {
			t.Errorf("%s: %s from %v, %d unreadable", name, got, res.Source(), unreadable)
		}
	}
	// Of another type, it is an error of the command.
	list := func() error {
		return errors.Join(client.Del(t.Context(), key).Err(), client.LPush(t.Context(), key, "x").Err())
	}
	if _, got, res := fresh(list); got != "7" || res.Source() != querycache.Database {
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
	p.unplant(redisClient(t, "redis://"+server.Addr()))
	p.until("the answer is in Redis", func() bool {
		p.a.warm("SELECT v FROM t")
		return p.a.shared().Tier.FillsWaiting == 0
	})
	for try := 1; ; try++ { // it may miss its time
		if _, res := p.b.steady("SELECT v FROM t"); res.Source() == querycache.Remote {
			break
		} else if try == 5 {
			t.Fatalf("what one has read comes to the others from %v", res.Source())
		}
		p.b = p.node(client, p.dsn, nil)
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
			for _, done := range []remote.Operation{d.Tier.Get, d.Tier.Set, d.Tier.Sync, d.Tier.Lease} {
				if done.Errors > done.Timeouts {
					t.Errorf("%+v", d)
				}
			}
		}
	}
	if leases == 0 {
		t.Error("nobody asked for a lease: what it needs was not tried")
	}
}
