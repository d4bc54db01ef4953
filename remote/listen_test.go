package remote

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
)

// listen runs Listen and returns its hints and its end.
func listen(t *testing.T, ctx context.Context, tier *Tier) (<-chan Hint, <-chan error) {
	t.Helper()
	hints, ready, end := make(chan Hint, 100), make(chan struct{}), make(chan error, 1)
	go func() {
		end <- tier.Listen(ctx, func(h Hint) { hints <- h }, func() { close(ready) })
	}()
	select {
	case <-ready:
	case err := <-end:
		t.Fatal(err)
	case <-time.After(5 * time.Second):
		t.Fatal("the subscription was not confirmed")
	}
	return hints, end
}

func receive[T any](t *testing.T, c <-chan T, within time.Duration) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(within):
		t.Fatalf("nothing came within %v", within)
		panic("not reached")
	}
}

func TestListen(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	ns := t.Name() + time.Now().String()
	a := newNodeD(t, attach(t, Config{Client: client, Namespace: ns}), "a", time.Minute)
	other := newNode(t, attach(t, Config{Client: client}), "a")
	reader := attach(t, Config{Client: client, Namespace: ns})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hints, end := listen(t, ctx, reader)

	other.sync("elsewhere")
	a.sync("x", `"a,b"`, "")
	want := Hint{Epoch: a.last.Epoch, Seq: 1, Tags: []string{"x", `"a,b"`, ""}}
	if got := receive(t, hints, 5*time.Second); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	a.r.Quiet = true
	a.sync("quiet")
	a.r.Quiet = false
	client.Publish(ctx, reader.keys.channel, "nonsense")
	a.sync("loud")
	if got := receive(t, hints, 5*time.Second); got.Seq != 3 || got.Tags[0] != "loud" {
		t.Errorf("%+v, want the one after the quiet", got)
	}
	if got := reader.Stats().Hints; got != 2 {
		t.Errorf("%d hints counted, want 2", got)
	}

	// It outlives silence.
	select {
	case err := <-end:
		t.Errorf("a silent subscription ended: %v", err)
	case <-time.After(quietFor + quietFor/2):
	}
	a.sync("after")
	receive(t, hints, 5*time.Second)

	cancel()
	if err := receive(t, end, 5*time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
	_, end = listen(t, t.Context(), reader)
	reader.Close()
	if err := receive(t, end, 5*time.Second); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestListenEnds(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testserver.RedisServer){
		"dead":   (*testserver.RedisServer).Kill,
		"silent": (*testserver.RedisServer).Stop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.NewRedis(t)
			tier := attach(t, Config{Client: dialServer(t, s)})
			_, end := listen(t, t.Context(), tier)
			fail(s)
			err := receive(t, end, 2*quietFor+attachTimeout+time.Second)
			if err == nil || !strings.HasPrefix(err.Error(), "querycache: remote: listen: ") {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzParseHint(f *testing.F) {
	f.Add("")
	f.Add("e\x001\x00t:a\x00t:b")
	f.Add("e\x00-1\x00t:a")
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := parseHint(s)
		if ok && (h.Epoch == "" || len(h.Tags) == 0) {
			t.Errorf("%q is %+v", s, h)
		}
	})
}
