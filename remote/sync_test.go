package remote

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
)

func TestSync(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	a := newNodeD(t, attach(t, Config{Client: client, Namespace: t.Name() + time.Now().String()}), "a", time.Minute)
	b := newNodeD(t, attach(t, Config{Client: client, Namespace: t.Name() + time.Now().String()}), "b", time.Minute)
	_ = b // another namespace

	if a.last.Epoch == "" || a.last.Seq != 0 || len(a.last.Changed) != 0 {
		t.Fatalf("a new namespace: %+v", a.last)
	}
	if d := time.Since(a.last.Now).Abs(); d > time.Minute {
		t.Errorf("the server's clock is %v off", d)
	}
	epoch := a.last.Epoch
	odd := []string{`"a,b"`, `my "S".t`, "a\nb", "t:", "", "ünï\xff", "tenant:42", "%s{}"}
	r := a.sync(odd...)
	if want := slices.Sorted(slices.Values(odd)); !reflect.DeepEqual(tags(r), want) {
		t.Errorf("bumped %q, told %q", want, tags(r))
	}
	for _, c := range r.Changed {
		if c.Seq != 1 {
			t.Errorf("%q has version %d, want 1", c.Tag, c.Seq)
		}
	}
	if r := a.sync(); len(r.Changed) != 0 || r.Seq != 1 || r.Epoch != epoch {
		t.Errorf("an idle poll: %+v", r)
	}
	if r := a.sync("x", "tenant:42"); !reflect.DeepEqual(r.Changed, []Change{{"tenant:42", 2}, {"x", 2}}) {
		t.Errorf("changed: %+v", r.Changed)
	}
	if b.sync(); len(b.vers) != 0 {
		t.Errorf("another namespace hears %v", b.vers)
	}
	if a.last.Seq != 2 {
		t.Errorf("seq %d, want 2", a.last.Seq)
	}
}

func TestTwoTiers(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	ns := t.Name() + time.Now().String()
	a := newNodeD(t, attach(t, Config{Client: client, Namespace: ns}), "a", time.Minute)
	a.sync("x")
	b := newNodeD(t, attach(t, Config{Client: client, Namespace: ns}), "b", time.Minute)
	if b.last.Epoch != a.last.Epoch || !reflect.DeepEqual(b.vers, map[string]uint64{"x": 1}) {
		t.Errorf("a late joiner learns %+v", b.last)
	}
	b.sync("y")
	if r := a.sync("z"); !reflect.DeepEqual(r.Changed, []Change{{"y", 2}, {"z", 3}}) {
		t.Errorf("changed: %+v", r.Changed)
	}
}

func TestSyncRefuses(t *testing.T) {
	tier := attach(t, Config{Client: dial(t, testserver.Redis(t))})
	for _, r := range []Request{
		{},
		{Node: "a\x00b"},
		{Node: "a", Bump: []string{"a\x00b"}},
		{Node: "a", Record: []string{"a\x00b"}},
		{Node: "a", Epoch: "e", Nonce: "e"},
	} {
		if _, err := tier.Sync(t.Context(), r); err == nil || !strings.HasPrefix(err.Error(), "querycache: remote: ") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// TestSyncAfterClose: a write after Close is still announced.
func TestSyncAfterClose(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	ns := t.Name() + time.Now().String()
	reader := newNode(t, attach(t, Config{Client: client, Namespace: ns}), "b")
	a := newNode(t, attach(t, Config{Client: client, Namespace: ns}), "a")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { // under way or not
			if _, err := a.tier.Sync(t.Context(), Request{Node: "a", Deadline: shortD, Bump: []string{"x"}}); err != nil {
				t.Error(err)
			}
		})
	}
	a.tier.Close()
	all.Wait()
	a.sync("y")
	if reader.sync(); reader.vers["x"] < 4 || reader.vers["y"] == 0 {
		t.Errorf("others learn %v", reader.vers)
	}
}

func TestFold(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	a := newNodeD(t, attach(t, Config{Client: client, Timeout: 5 * time.Second}), "a", time.Minute)
	total := 0
	for total <= 20_000 {
		list := make([]string, 2_500)
		for i := range list {
			list[i] = fmt.Sprint("tenant:", total+i)
		}
		total += len(list)
		a.sync(list...)
	}
	n, err := client.ZCard(t.Context(), a.tier.keys.control).Result()
	if err != nil || n > 13_000 {
		t.Errorf("%d members are left, %v", n, err)
	}
	b := newNodeD(t, a.tier, "b", time.Minute)
	if b.vers["!"] != 4 {
		t.Errorf("a late joiner learns %d of the schema, want what it learns of everything: its last change may be folded", b.vers["!"])
	}
	if b.vers["*"] != 4 || b.vers[fmt.Sprint("tenant:", total-1)] != a.last.Seq || b.last.Seq != a.last.Seq {
		t.Errorf("a late joiner learns %d of everything, %d of the last", b.vers["*"], b.vers[fmt.Sprint("tenant:", total-1)])
	}
	// One bump of more than are kept.
	list := make([]string, 25_000)
	for i := range list {
		list[i] = fmt.Sprint("user:", i)
	}
	a.sync(list...)
	a.sync() // each call folds once
	b = newNodeD(t, a.tier, "b", time.Minute)
	if b.vers["*"] != 10 || b.vers["!"] != 10 || b.last.Seq != 10 || len(b.vers) != 2 {
		t.Errorf("after a large bump a late joiner learns %d of everything and %d tags", b.vers["*"], len(b.vers))
	}
}

// TestFoldSchema: a node that was not told of a schema change before it was
// folded learns of it, and of a later one too.
func TestFoldSchema(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	a := newNodeD(t, attach(t, Config{Client: client, Timeout: 5 * time.Second}), "a", time.Minute)
	b := newNodeD(t, a.tier, "b", time.Minute)
	a.sync("!")
	for n := range 9 {
		list := make([]string, 2_500)
		for i := range list {
			list[i] = fmt.Sprint("tenant:", n, ":", i)
		}
		a.sync(list...)
	}
	if b.sync(); b.vers["!"] == 0 || b.vers["!"] < b.vers["*"] {
		t.Errorf("learned %d of the schema, %d of everything", b.vers["!"], b.vers["*"])
	}
	last := a.sync("!").Seq
	a.sync("x")
	if b.sync(); b.vers["!"] != last {
		t.Errorf("learned %d of the schema, want %d", b.vers["!"], last)
	}
}

// TestFull: with noeviction and full memory a script fails at once, unless its
// first write needs none.
func TestFull(t *testing.T) {
	both(t, []string{"maxmemory 3mb", "maxmemory-policy noeviction"}, func(t *testing.T, s *testserver.RedisServer, tier func() *Tier) {
		a := newNode(t, tier(), "a")
		admin := dialServer(t, s)
		var err error
		for i := 0; err == nil && i < 10_000; i++ {
			err = admin.Set(t.Context(), fmt.Sprint("k", i), strings.Repeat("x", 4<<10), 0).Err()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "OOM") {
			t.Fatalf("the server is not full: %v", err)
		}
		a.r.Record = []string{"x"}
		first := a.sync("x", "y").Seq // not 1, if filling took so long that the planted record came first
		if r := a.sync("z"); a.vers["x"] != first || r.Seq <= first {
			t.Errorf("%+v, the first %d", r, first)
		}
		b := newNode(t, a.tier, "b") // attaching, too
		if b.vers["z"] == 0 {
			t.Errorf("a late joiner learns %v", b.vers)
		}
	})
}
