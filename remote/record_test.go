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
	last := a.sync()                    // and then it is silent
	reader.swept(last, []string{`"a,b"`, "y"}, shortD, shortD, 2*shortD, 4*shortD)
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
	reply, err := a.tier.Sync(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	a.r.After = reply.Seq
	// With D = 5 s: after .25, .5, 1, 2, 4 s.
	const first = shortD / 20
	a.swept(reply, []string{`"a,b"`, "x"}, first, first, 2*first, 4*first, 8*first)
}

// swept polls until tags were bumped once after each delay, which begins with last
// and then with the bump before. By the clock of Redis each is in the first Sync
// after its time, however late this process or another one runs.
func (n *node) swept(last Reply, want []string, delays ...time.Duration) {
	n.t.Helper()
	for i, delay := range delays {
		due, seq := last.Now.Add(delay), last.Seq
		for last = (Reply{}); last.Seq == 0; time.Sleep(time.Millisecond) {
			r := n.sync()
			switch bumped := r.Seq != seq; {
			case bumped != !r.Now.Before(due):
				n.t.Fatalf("bump %d: %t, %v after its time", i, bumped, r.Now.Sub(due))
			case bumped && (r.Seq != seq+1 || !reflect.DeepEqual(tags(r), want)):
				n.t.Fatalf("bump %d: %+v", i, r)
			case bumped:
				last = r
			}
		}
	}
}
