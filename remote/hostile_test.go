package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache/internal/testserver"
)

// Whatever somebody has put where the control key should be, bumps are not lost:
// there is an error, or a new epoch, and a few calls later all is as it should be.
func TestHostileControlKey(t *testing.T) {
	both(t, nil, func(t *testing.T, s *testserver.RedisServer, tier func() *Tier) {
		admin := dialServer(t, s)
		a, b := newNode(t, tier(), "a"), newNode(t, tier(), "b")
		z := a.tier.keys.control
		add := func(score float64, member string) func(context.Context) error {
			return func(ctx context.Context) error {
				return admin.ZAdd(ctx, z, redis.Z{Score: score, Member: member}).Err()
			}
		}
		instead := func(set func(context.Context) error) func(context.Context) error {
			return func(ctx context.Context) error {
				if err := admin.Del(ctx, z).Err(); err != nil {
					return err
				}
				return set(ctx)
			}
		}
		inf := math.Inf(1)
		soon := -float64(time.Now().UnixMicro())
		for name, harm := range map[string]func(context.Context) error{
			"a string":                 instead(func(ctx context.Context) error { return admin.Set(ctx, z, "x", 0).Err() }),
			"a hash":                   instead(func(ctx context.Context) error { return admin.HSet(ctx, z, "x", "y").Err() }),
			"a list":                   instead(func(ctx context.Context) error { return admin.LPush(ctx, z, "x").Err() }),
			"an endless number":        add(inf, "t:x"),
			"a number that stands":     add(1<<53, "t:x"),
			"a huge number":            add(1e200, "t:x"),
			"a fraction":               add(0.5, "t:y"),
			"a fraction on top":        add(1e6+0.5, "t:y"),
			"no tag":                   add(3, "x"),
			"no tag, nothing":          add(3, ""),
			"no epoch":                 add(-inf, "!"),
			"two epochs":               add(-inf, "!e\x00\x00"),
			"no record":                add(soon, "?"),
			"a record of no tags":      add(soon, "!w\x00x\x0010\x00x\x00\x00y"),
			"a record without end":     add(soon, "!w\x00x\x000\x00t:endless"),
			"a record of a long delay": add(soon, "!w\x00x\x00"+fmt.Sprint(1<<62)+"999999\x00t:y"),
			"zero":                     add(0, "x"),
		} {
			if err := harm(t.Context()); err != nil {
				t.Fatal(name, err)
			}
			for range 4 {
				_, _ = a.try()
				_, _ = b.try()
			}
			if _, err := a.try("x"); err != nil {
				t.Fatal(name, err)
			}
			if r := b.sync(); !slices.Contains(tags(r), "x") {
				t.Errorf("%s: a bump was not heard of: %+v", name, r)
			}
			if err := errors.Join(errOf(a.try("y")), errOf(b.try())); err != nil {
				t.Fatal(name, err)
			}
			if r := b.sync(); slices.Contains(tags(r), "endless") {
				t.Errorf("%s: bumped again and again: %+v", name, r)
			}
			tier() // attaches
		}
	})
}

func errOf(_ Reply, err error) error { return err }

// A key of another type where the control key should be does not keep a program
// that starts from attaching.
func TestAttachToHostileKey(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	ns := t.Name() + time.Now().String()
	if err := client.Set(t.Context(), newKeys(ns).control, "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	a := &node{t: t, tier: attach(t, Config{Client: client, Namespace: ns}), r: Request{Node: "a", Deadline: shortD, MaxTTL: shortD}}
	if _, err := a.try(); err == nil {
		t.Log("at once")
	}
	a.sync("x")
	if n := newNode(t, a.tier, "b"); n.vers["x"] == 0 {
		t.Errorf("%+v", n.vers)
	}
}

// A clock that was set back does not put off what a silent node may have written:
// neither if a node has seen it before, nor if all come after.
func TestClockSetBack(t *testing.T) {
	for _, after := range []bool{false, true} {
		client := dial(t, testserver.Redis(t))
		ns := rand.Text()
		live := newNode(t, attach(t, Config{Client: client, Namespace: ns}), "live")
		dead := newNode(t, attach(t, Config{Client: client, Namespace: ns}), "dead")
		dead.r.Record = []string{"x"}
		dead.sync()
		live.sync()
		// As it is an hour after the clock was set back by an hour, bar the hour.
		hour := float64(time.Hour.Microseconds())
		z := live.tier.keys.control
		for _, m := range client.ZRangeByScore(t.Context(), z, &redis.ZRangeBy{Min: "(-inf", Max: "(0"}).Val() {
			if err := client.ZIncrBy(t.Context(), z, -hour, m).Err(); err != nil {
				t.Fatal(err)
			}
		}
		live.tier.own.acked += time.Hour.Microseconds()
		if after {
			live = newNode(t, attach(t, Config{Client: client, Namespace: ns}), "new")
		}
		start := time.Now()
		await(t, "the silent node's tag", func() bool { live.sync(); return live.vers["x"] > 0 })
		if d := time.Since(start); d < shortD/2 {
			t.Errorf("bumped after %v, before its deadline", d)
		}
	}
}

// A node that has been told of a bump that never was does not go on in its epoch.
func TestSeenTheFuture(t *testing.T) {
	a := newNode(t, attach(t, Config{Client: dial(t, testserver.Redis(t))}), "a")
	before := a.sync("x")
	a.r.Seen = before.Seq
	if r := a.sync(); r.Epoch != before.Epoch {
		t.Error("a new epoch although nothing was wrong")
	}
	for _, seq := range []uint64{before.Seq + 1, 1 << 53, 1<<64 - 1} {
		a.r.Seen = seq
		before = a.last
		if r := a.sync(); r.Epoch == before.Epoch {
			t.Errorf("after %d was heard of: the same epoch", seq)
		}
	}
}

// An entry larger than any that a node writes is none, and its bytes never come
// here: whoever may write to Redis could otherwise fill the memory of all nodes.
func TestHugeEntry(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	tier := attach(t, Config{Client: client, FillBytes: 1 << 20})
	key := []byte("k")
	if err := client.SetRange(t.Context(), tier.EntryKey(key), 256<<20, "x").Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Del(context.Background(), tier.EntryKey(key)) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := tier.Get(t.Context(), key)
	if got != nil || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	lease, got, err := tier.Lease(t.Context(), key, time.Minute)
	if got != nil || err != nil || !lease.Held() {
		t.Errorf("with a lease: %d bytes, %v", len(got), err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d bytes for an entry that is none", n)
	}
	if !tier.SetLeased(key, make([]byte, 1<<20-200), time.Minute, lease) {
		t.Fatal("the largest entry is not written")
	}
	await(t, "the largest entry", func() bool {
		got, err := tier.Get(t.Context(), key)
		return err == nil && len(got) == 1<<20-200
	})
}
