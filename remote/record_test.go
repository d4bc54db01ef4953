package remote

import (
	"reflect"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
)

func TestRecord(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	ns := t.Name() + time.Now().String()
	a := newNode(t, attach(t, Config{Client: client, Namespace: ns}), "a")
	reader := newNode(t, attach(t, Config{Client: client, Namespace: ns}), "b")
	await(t, "the planted record", func() bool { reader.sync(); return reader.vers["*"] > 0 })

	a.r.Record = []string{"y", `"a,b"`, "y"}
	a.sync()
	a.r.Record = []string{`"a,b"`, "y"} // the same
	sent := time.Now()
	a.sync() // and then it is silent
	var bumps []time.Duration
	for seq := reader.sync().Seq; len(bumps) < 4; time.Sleep(2 * time.Millisecond) {
		if r := reader.sync(); r.Seq != seq {
			if !reflect.DeepEqual(tags(r), []string{`"a,b"`, "y"}) || r.Seq != seq+1 {
				t.Fatalf("bumped: %+v", r)
			}
			seq = r.Seq
			bumps = append(bumps, time.Since(sent))
		}
		if time.Since(sent) > 40*shortD {
			t.Fatalf("bumped only after %v", bumps)
		}
	}
	for i, want := range []time.Duration{1, 2, 4, 8} {
		if got := bumps[i]; got < want*shortD || got > 2*want*shortD+time.Second {
			t.Errorf("bump %d after %v, want %v", i, got, want*shortD)
		}
	}
	// The next delay is beyond MaxTTL: nothing is left to bump.
	n, err := client.ZCount(t.Context(), reader.tier.keys.control, "(-inf", "(0").Result()
	if err != nil || n != 1 {
		t.Errorf("%d records are left, want the reader's own; %v", n, err)
	}
}

func TestSuperseded(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	a := newNode(t, attach(t, Config{Client: client}), "a")
	await(t, "the planted record", func() bool { a.sync(); return a.vers["*"] > 0 })
	seq := a.last.Seq
	for _, record := range [][]string{{"x"}, {"x", "y"}, {"y"}, nil} {
		a.r.Record = record
		a.sync()
	}
	n, err := client.ZCount(t.Context(), a.tier.keys.control, "(-inf", "(0").Result()
	if err != nil || n != 1 {
		t.Errorf("%d records, want 1; %v", n, err)
	}
	time.Sleep(shortD + shortD/4) // past the deadline, with nothing in the record
	if a.sync(); a.last.Seq != seq {
		t.Errorf("a record without tags, or a superseded one, was bumped")
	}
}

func TestUnknown(t *testing.T) {
	a := newNode(t, attach(t, Config{Client: dial(t, testserver.Redis(t))}), "a")
	await(t, "the planted record", func() bool { a.sync(); return a.vers["*"] > 0 })
	r := a.r
	r.Unknown, r.Bump = true, []string{"x", `"a,b"`}
	sent := time.Now()
	reply, err := a.tier.Sync(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	seq := reply.Seq
	a.r.After = seq
	var bumps []time.Duration
	for len(bumps) < 5 && time.Since(sent) < 40*shortD {
		if r := a.sync(); r.Seq != seq {
			if !reflect.DeepEqual(tags(r), []string{`"a,b"`, "x"}) {
				t.Fatalf("bumped: %+v", r)
			}
			seq = r.Seq
			bumps = append(bumps, time.Since(sent))
		}
		time.Sleep(time.Millisecond)
	}
	// With D = 5 s: after .25, .5, 1, 2, 4 s.
	for i, got := range bumps {
		want := shortD / 20 << i
		if got < want || got > 2*want+time.Second {
			t.Errorf("bump %d after %v, want %v", i, got, want)
		}
	}
	if len(bumps) < 5 {
		t.Errorf("bumped only after %v", bumps)
	}
}
