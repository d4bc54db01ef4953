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

// listen runs Listen, until it is confirmed, and returns its hints and its end.
func listen(t *testing.T, ctx context.Context, tier *Tier) (<-chan Hint, <-chan error) {
	t.Helper()
	for late := time.After(patience); ; {
		hints, ready, end := make(chan Hint, 100), make(chan struct{}), make(chan error, 1)
		go func() {
			end <- tier.Listen(ctx, func(h Hint) { hints <- h }, func() { close(ready) })
		}()
		select {
		case <-ready:
			return hints, end
		case err := <-end:
			t.Log(err) // it has a second, which a busy machine may miss
		case <-late:
			t.Fatal("the subscription was not confirmed")
		}
	}
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
	if got := receive(t, hints, patience); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	a.r.Quiet = true
	a.sync("quiet")
	a.r.Quiet = false
	client.Publish(ctx, reader.keys.channel, "nonsense")
	a.sync("loud")
	if got := receive(t, hints, patience); got.Seq != 3 || got.Tags[0] != "loud" {
		t.Errorf("%+v, want the one after the quiet", got)
	}
	if got := reader.Stats().Hints; got != 2 {
		t.Errorf("%d hints counted, want 2", got)
	}

	// It outlives silence. Where nobody runs for as long, it may end once.
	for try, silent := 1, true; silent; try++ {
		select {
		case err := <-end:
			if try == 5 {
				t.Fatalf("a silent subscription ended, time and again: %v", err)
			}
			hints, end = listen(t, ctx, reader)
		case <-time.After(quietFor + quietFor/2):
			silent = false
		}
	}
	a.sync("after")
	receive(t, hints, patience)

	cancel()
	if err := receive(t, end, patience); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
	_, end = listen(t, t.Context(), reader)
	reader.Close()
	if err := receive(t, end, patience); !errors.Is(err, ErrClosed) {
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
			err := receive(t, end, patience)
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
