package integration

import (
	"context"
	"testing"

	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/testserver"
)

// TestFillTornOnTheWayToRedis: of an answer whose way to Redis, or from there, ends
// in the middle, nobody is given a part, nor an error.
func TestFillTornOnTheWayToRedis(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	addr, put := newToxic(t, server.Addr())
	f := newFiller(t, dial(t, server.Addr()))
	f.a = f.node(dial(t, addr), f.dsn, nil)
	for _, tt := range []struct {
		name string
		json string
		// stored: the answer is in Redis before.
		stored bool
	}{
		{name: "on the way there", json: `{"type":"limit_data","stream":"upstream","attributes":{"bytes":20000}}`},
		{name: "on the way back", json: `{"type":"limit_data","stream":"downstream","attributes":{"bytes":20000}}`, stored: true},
		{name: "slow on the way there", json: `{"type":"bandwidth","stream":"upstream","attributes":{"rate":50}}`},
		{name: "slow on the way back", json: `{"type":"bandwidth","stream":"downstream","attributes":{"rate":50}}`, stored: true},
	} {
		var query string
		var whole *checker.Whole
		check := func(name string, n *node) {
			t.Helper()
			f.until("answers are used", func() bool {
				_, _ = n.read("SELECT count(*) FROM known")
				return n.live()
			})
			x := readsAll.reads(context.Background(), name, n.db, query)
			for _, v := range whole.Judge(x) {
				t.Errorf("%s: %v", tt.name, v)
			}
		}
		// A busy machine may be out of reach of Redis just then, and nothing is
		// tried.
		for try, failed := 1, int64(0); failed == 0; try++ {
			query = f.text(end{}, "ttl=1m")
			whole = f.whole(query)
			if tt.stored {
				check("another", f.b)
				f.until("Redis has it", func() bool { return f.b.shared().Tier.FillsWaiting == 0 })
			}
			before := f.a.shared().Tier
			put(toxic{json: []string{tt.json}})
			check("the one whose way it is", f.a)
			f.until("it was tried", func() bool { return f.a.shared().Tier.FillsWaiting == 0 })
			put(toxic{})
			after := f.a.shared().Tier
			failed = after.Get.Errors + after.Set.Errors - before.Get.Errors - before.Set.Errors
			if failed == 0 && try == 5 {
				t.Fatalf("%s: nothing failed, the test shows nothing", tt.name)
			}
		}
		check("the one whose way it was", f.a)
		check("another", f.b)
		check("a third", f.c)
	}
}
