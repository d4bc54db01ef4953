package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
	"github.com/redis/go-redis/v9"
)

// D of most tests: D/20, the first repetition of an unknown outcome, is then
// 20 ms.
const shortD = 400 * time.Millisecond

// dial returns a client as a user makes it, with the defaults of go-redis.
func dial(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func dialServer(t testing.TB, s *testserver.RedisServer) *redis.Client {
	t.Helper()
	return dial(t, "redis://"+s.Addr())
}

func attach(t testing.TB, cfg Config) *Tier {
	t.Helper()
	if cfg.Namespace == "" {
		cfg.Namespace = t.Name() + rand.Text()
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second // the machine may be busy
	}
	tier, err := settled(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tier.Close() })
	return tier
}

// settled is New until Redis has had its say: there is a second for that, which a
// busy machine may miss.
func settled(t testing.TB, cfg Config) (tier *Tier, err error) {
	t.Helper()
	await(t, "an answer to New", func() bool {
		tier, err = New(t.Context(), cfg)
		return !errors.Is(err, ErrUnavailable)
	})
	return tier, err
}

// A node calls Sync as one does: with what it has learnt.
type node struct {
	t    testing.TB
	tier *Tier
	r    Request
	last Reply
	vers map[string]uint64
}

func newNode(t testing.TB, tier *Tier, name string) *node {
	return newNodeD(t, tier, name, shortD)
}

func newNodeD(t testing.TB, tier *Tier, name string, d time.Duration) *node {
	n := &node{t: t, tier: tier, r: Request{Node: name, Deadline: d, MaxTTL: 7 * d}}
	n.answered()
	return n
}

// sync bumps tags and takes the reply for granted.
func (n *node) sync(bump ...string) Reply {
	n.t.Helper()
	reply, err := n.try(bump...)
	if err != nil {
		n.t.Fatal(err)
	}
	return reply
}

// answered is sync until it is answered in time, for tiers that wait as briefly
// as those in use do: a busy machine may miss that.
func (n *node) answered(bump ...string) {
	n.t.Helper()
	await(n.t, "an answer", func() bool { _, err := n.try(bump...); return err == nil })
}

func (n *node) try(bump ...string) (Reply, error) {
	r := n.r
	r.Bump = bump
	reply, err := n.tier.Sync(context.Background(), r)
	if err != nil {
		return reply, err
	}
	if reply.Epoch != n.r.Epoch || n.vers == nil {
		n.vers = make(map[string]uint64)
	}
	for _, c := range reply.Changed {
		n.vers[c.Tag] = c.Seq
	}
	n.r.Epoch, n.r.After, n.last = reply.Epoch, reply.Seq, reply
	return reply, nil
}

func tags(r Reply) []string {
	var list []string
	for _, c := range r.Changed {
		list = append(list, c.Tag)
	}
	slices.Sort(list)
	return list
}

// patience is what only a fault takes.
const patience = 20 * time.Second

// await polls until ok, and fails after that.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// both runs a test in both modes, on a server of its own. In Witness mode the
// user may not ask INFO.
func both(t *testing.T, options []string, test func(t *testing.T, s *testserver.RedisServer, tier func() *Tier)) {
	for _, mode := range []Mode{RunID, Witness} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			options := options
			if mode == Witness {
				options = append(slices.Clone(options), "user u on >p ~* &* +@all -info")
			}
			s := testserver.NewRedis(t, options...)
			url := "redis://" + s.Addr()
			if mode == Witness {
				url = "redis://u:p@" + s.Addr()
			}
			client := dial(t, url)
			test(t, s, func() *Tier {
				tier := attach(t, Config{Client: client, Namespace: "x"})
				if got := tier.Stats().Mode; got != mode {
					t.Fatalf("mode %v, want %v", got, mode)
				}
				return tier
			})
		})
	}
}
