package integration

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/integration/checker"
)

// round reads an answer that ends in the middle, and then what that has left, and
// returns what is wrong.
func (f *filler) round(e end) (all []checker.Violation) {
	f.Helper()
	query := f.text(e, "ttl=1m")
	whole := f.whole(query)
	f.bites(e, query)

	before := f.a.cache.Stats().Bypasses[querycache.ReasonLoadFailed]
	var others readers
	x := f.struck(e, func() { f.others(&others, query) }, func(ctx context.Context) checker.Extract {
		return e.by.reads(ctx, "the one who asks", f.a.db, query)
	})
	x.May = []string{e.want}
	if all = append(all, whole.Judge(x)...); x.Err != e.want && e.by != givesUp { // who gives up may have all by then
		all = append(all, checker.Violation{Kind: checker.WrongError, Text: fmt.Sprintf("%q after %d rows, and %q without the cache", x.Err, x.Rows, e.want)})
	}
	all = append(all, f.left(e, query, whole, others)...)
	if n := f.a.cache.Stats().Bypasses[querycache.ReasonLoadFailed] - before; e.own && n > 0 {
		f.Errorf("%s: %d of those who waited asked the database each", e.name, n)
	}
	return all
}

// refreshed is round for an answer that is read anew in the background while the
// old one is shown.
func (f *filler) refreshed(e end) (all []checker.Violation) {
	f.Helper()
	query := f.text(e, "ttl=300ms stale=1m")
	whole := f.whole(query)
	f.bites(e, query)

	all = append(all, whole.Judge(readsAll.reads(context.Background(), "the first", f.a.db, query))...)
	before := f.a.cache.Stats()
	var others readers
	x := f.struck(e, func() { f.others(&others, query) }, func(ctx context.Context) checker.Extract {
		for {
			x := readsAll.reads(ctx, "the one who begins it", f.a.db, query)
			// A busy machine may lose the answer, and it is then waited for.
			if x.Source != querycache.Local.String() {
				return x
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	failed := func() bool { return f.a.cache.Stats().Refreshes.Failed > before.Refreshes.Failed }
	if x.Source == querycache.Stale.String() {
		// A busy machine may have lost Redis for a moment, and then there is none.
		start := time.Now()
		f.until("the refresh has ended", func() bool {
			return failed() || f.a.cache.Stats().Stored > before.Stored || time.Since(start) > time.Second
		})
	} else {
		x.May = []string{e.want}
	}
	all = append(all, whole.Judge(x)...)
	if e.at > 0 && failed() {
		// The database refuses: that is not hidden by the old answer any longer.
		next := readsAll.reads(context.Background(), "the next", f.a.db, query)
		next.May = []string{e.want}
		if all = append(all, whole.Judge(next)...); next.Source == querycache.Stale.String() {
			all = append(all, checker.Violation{Kind: checker.WrongError, Text: fmt.Sprintf("the refresh was refused, and %d rows are shown beyond their lifetime", next.Rows)})
		}
	}
	return append(all, f.left(e, query, whole, others)...)
}

// bites fails unless the bare driver's reader is told of the end.
func (f *filler) bites(e end, query string) {
	f.Helper()
	if e.by == givesUp {
		return // it is a matter of the reader's, and may come before the middle
	}
	x := f.struck(e, func() {}, func(ctx context.Context) checker.Extract {
		return e.by.reads(ctx, "bare", f.bare, query)
	})
	f.mend()
	if x.Err != e.want || e.at > 0 && !x.Left && x.Rows != e.at-1 {
		f.Errorf("%s: the bare driver's reader is told %q after %d rows, want %q", e.name, x.Err, x.Rows, e.want)
	}
}

// struck does to a read what the end is: read waits in the middle of its rows,
// others begin, and it strikes. A read that has ended before is begun again if a
// busy machine may be why.
func (f *filler) struck(e end, others func(), read func(context.Context) checker.Extract) checker.Extract {
	f.Helper()
	f.holds("UPDATE fuse SET at = $1", e.at) // of which the caches are not told
	f.holds("SELECT pg_advisory_lock(7)")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var one readers
	one.start(func() checker.Extract { return read(ctx) })
	var pids []int
	f.until(e.name+": it waits in the middle of its rows", func() bool {
		if pids = f.waiting(); len(pids) > 0 {
			return true
		}
		switch x, ok := one.ended(); {
		case !ok:
		case x.Source == querycache.Stale.String(), // Redis was lost for a moment: nobody refreshes
			e.by == timesOut && x.Err == e.want: // before it came so far
			one = nil
			one.start(func() checker.Extract { return read(ctx) })
		default:
			f.Fatalf("%s: it has ended before its middle: %+v", e.name, x)
		}
		return false
	})
	others()
	if e.strike != nil {
		e.strike(f, cancel, pids[0])
	}
	if e.ends {
		f.until("it has ended", func() bool { return !slices.Contains(f.waiting(), pids[0]) })
	}
	f.holds("SELECT pg_advisory_unlock(7)")
	return one.wait()[0]
}

// mend takes away what an end needs.
func (f *filler) mend() {
	f.Helper()
	f.put(toxic{})
	f.holds("UPDATE fuse SET at = 0")
}

// others are those who want the same at the same time.
func (f *filler) others(rs *readers, query string) {
	for i := range 6 {
		by, n, name := readsAll, f.a, "another"
		switch i {
		case 1:
			by = prepared
		case 2:
			by = leaves
		case 3:
			by = readsOne
		case 4, 5:
			n, name = f.b, "another process's"
		}
		rs.start(func() checker.Extract {
			return by.reads(context.Background(), fmt.Sprintf("%s reader %d", name, i), n.db, query)
		})
	}
	time.Sleep(join)
}

// left judges what the others were given, and what is read when nothing ends an
// answer any more.
func (f *filler) left(e end, query string, whole *checker.Whole, others readers) (all []checker.Violation) {
	f.Helper()
	for i, x := range others.wait() {
		if e.everybody || e.process && i < 4 {
			x.May = []string{e.want}
		}
		all = append(all, whole.Judge(x)...)
	}
	f.mend()
	if e.process {
		f.until("a connection", func() bool { return f.a.db.Ping() == nil && f.bare.Ping() == nil })
	}
	for _, n := range []*node{f.a, f.b, f.c} {
		for range n.cache.Stats().Shared.Databases { // one, or none
			f.until("Redis has it", func() bool { return n.shared().Tier.FillsWaiting == 0 })
		}
	}
	for range 2 {
		for name, n := range map[string]*node{"the process itself": f.a, "another": f.b, "a third": f.c} {
			x := readsAll.reads(context.Background(), name+", afterwards", n.db, query)
			all = append(all, whole.Judge(x)...)
		}
	}
	return all
}
