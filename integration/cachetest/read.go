package cachetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
)

// A Read is something that reads through the cache, and that a test says
// something about. It may be used any number of times, and runs each time.
type Read struct {
	env  *Env
	name string // for messages
	run  func(context.Context) error
	why  func(context.Context) string // what more there is to say
}

// Query is a statement. Its rows are read to the end and thrown away.
func (e *Env) Query(query string, args ...any) *Read {
	return &Read{
		env: e, name: strings.TrimSpace(query),
		run: func(ctx context.Context) error {
			rows, err := e.DB.QueryContext(ctx, query, args...)
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			for rows.Next() {
			}
			return rows.Err()
		},
		why: func(ctx context.Context) string {
			x, err := e.Cache.Explain(ctx, e.DB, query, args...)
			if err != nil || len(x.Tables) == 0 {
				return ""
			}
			return "; it depends on " + strings.Join(append(x.Tables, x.Tags...), ", ")
		},
	}
}

// Call is a function of the program. It has to hand on the context that it is
// given; of several statements with it, the last one to answer counts.
func (e *Env) Call(f func(ctx context.Context) error) *Read {
	return &Read{env: e, name: "the call", run: f, why: func(context.Context) string { return "" }}
}

// From reads once, and fails the test if the answer is from none of the
// sources or there is an error. An answer from the database is in the shared
// tier when From returns, so that a [Env.Second] can be expected to have it
// from there, as long as Redis answers in time: on a machine that is too busy
// for that, the message says so.
func (r *Read) From(t testing.TB, sources ...querycache.Source) {
	t.Helper()
	if complaint := r.try(sources, ""); complaint != "" {
		t.Fatal(complaint)
	}
}

// Eventually reads until the answer is from one of the sources and there is no
// error, and fails the test if that takes longer than Options.Wait. Without
// sources, it waits for a [Env.Call] to return nil: for a second process to
// show what the first one has written, say.
func (r *Read) Eventually(t testing.TB, sources ...querycache.Source) {
	t.Helper()
	r.env.poll(t, r.env.options.Wait, func() string { return r.try(sources, "") })
}

// Refused reads once, and fails the test unless the answer is from the database
// because the statement may not be cached, for this reason.
func (r *Read) Refused(t testing.TB, reason querycache.Reason) {
	t.Helper()
	if complaint := r.try([]querycache.Source{querycache.Database}, reason); complaint != "" {
		t.Fatal(complaint)
	}
}

// try reads and returns what is wrong with that.
func (r *Read) try(sources []querycache.Source, reason querycache.Reason) string {
	ctx, res := querycache.WithResult(context.Background())
	if err := r.run(ctx); err != nil {
		return fmt.Sprintf("%s: %v", r.name, err)
	}
	got := res.Source()
	r.env.stored(got)
	switch {
	case got == querycache.Unknown && len(sources) > 0:
		return r.name + ": no statement was run with the context that it was given"
	case reason != "" && (res.Reason() != reason || got != querycache.Database):
		return fmt.Sprintf("%s: %s, want it refused: %s", r.name, r.describe(res), reason)
	case len(sources) > 0 && !slices.Contains(sources, got):
		return fmt.Sprintf("%s: %s, want it from %s%s", r.name, r.describe(res), names(sources), r.why(ctx)+r.env.trouble())
	}
	return ""
}

// describe says where an answer came from, and how that comes.
func (r *Read) describe(res *querycache.Result) string {
	from := "from " + res.Source().String()
	switch res.Source() {
	case querycache.Database:
		if reason := res.Reason(); reason != "" {
			return fmt.Sprintf("%s, for it is not cached: %s", from, reason)
		}
		return from + ", for there was no answer that is valid: never read, written since, or too old"
	case querycache.Local, querycache.Remote, querycache.Stale:
		return fmt.Sprintf("%s, %v old, with a lifetime of %v", from, res.Age().Round(time.Millisecond), res.TTL())
	}
	return from
}

// trouble tells of a shared tier that did not answer in its 50 ms: it is then
// left out, which a test cannot expect.
func (e *Env) trouble() string {
	n := int64(0)
	for _, d := range e.Cache.Stats().Shared.Databases {
		n += d.Tier.Get.Errors + d.Tier.Set.Errors + d.Tier.Sync.Errors + d.Tier.Lease.Errors
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d times Redis has not answered in time)", n)
}

// stored waits until what was read from the database is in Redis, or will never
// be.
func (e *Env) stored(source querycache.Source) {
	if source != querycache.Database {
		return
	}
	for end := time.Now().Add(e.options.Wait); time.Now().Before(end); time.Sleep(time.Millisecond) {
		waiting := int64(0)
		for _, d := range e.Cache.Stats().Shared.Databases {
			waiting += d.Tier.FillsWaiting
		}
		if waiting == 0 {
			return
		}
	}
}

func names(sources []querycache.Source) string {
	var all []string
	for _, s := range sources {
		all = append(all, s.String())
	}
	return strings.Join(all, " or ")
}
