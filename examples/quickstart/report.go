package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/querycache/querycache"
)

// A report is what was measured and seen.
type report struct {
	config
	without, with *figures
	steps         []step
	coldQueries   int64
	coldWaited    int64
	coldHits      int64
	reason        querycache.Reason
	checked       int
	fromMemory    int // of those checked
	stats         querycache.Stats
}

type step struct {
	row  shelfRow
	from querycache.Source
}

func (r *report) print(w io.Writer) {
	say := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	line := func(what string, left, right any, note string) {
		text := fmt.Sprintf("%-26s %12v %15v   %s", what, left, right, note)
		say("%s", strings.TrimRight(text, " "))
	}
	latency := func(what string, list []time.Duration) {
		line(what, short(quantile(list, 0.5)), short(quantile(list, 0.99)),
			fmt.Sprintf("%d reads, %.1f %%", len(list), 100*float64(len(list))/float64(max(r.with.reads, 1))))
	}
	a, b := r.without, r.with
	say("%d books by %d authors in %s; %d readers, keys by Zipf's law, a write every %v\n",
		r.books, r.authors, r.bare, r.readers, r.pause)
	line("", "without", "with the cache", "")
	line("reads per second", round(a.perSecond()), round(b.perSecond()), fmt.Sprintf("%.1f times as many", b.perSecond()/max(a.perSecond(), 1)))
	line("p50 of a read", short(quantile(a.all, 0.5)), short(quantile(b.all, 0.5)), "")
	line("p99 of a read", short(quantile(a.all, 0.99)), short(quantile(b.all, 0.99)), "")
	line("reads", a.reads, b.reads, "")
	line("that queried the database", a.queries, b.queries, fmt.Sprintf("%d queries saved", int64(b.reads)-b.queries))
	line("writes", a.writes, b.writes, "each outdates all answers from the table")
	say("")
	line("With the cache", "p50", "p99", "")
	latency("hit (% is the hit ratio)", b.hits)
	latency("miss", b.miss)
	latency("joined another's query", b.joined)
	name, steps := r.steps[0].row.name, r.steps
	say("\nA write is seen at once, and no line of the program deletes a key:")
	say("  sum of prices, %s: %d, from %s", name, steps[0].row.total, place(steps[0].from))
	say("  UPDATE … SET price = price + 1 of one of the books")
	say("  sum of prices, %s: %d, from %s", name, steps[1].row.total, place(steps[1].from))
	say("\n%d readers on one cold key: %s; %d found it under way and", r.cold, count(r.coldQueries, "database query", "database queries"), r.coldWaited)
	say("waited for its answer instead of asking too, %d came later and found it in memory.", r.coldHits)
	say("Never cached, hint or not: ORDER BY random() (%s, %s).", r.reason, count(r.stats.Bypasses[r.reason], "read", "reads"))
	say("Checked against the database: %d answers, %d of them from memory; all equal.", r.checked, r.fromMemory)
}

// count puts a number in front of a noun.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// place says where rows came from.
func place(s querycache.Source) string {
	if s == querycache.Local {
		return "memory"
	}
	return "the " + s.String()
}

func round(f float64) int { return int(f + 0.5) }

// short shows a duration with two or three digits.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	default:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
}
