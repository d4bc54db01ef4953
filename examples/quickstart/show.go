package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/querycache/querycache"
)

// show runs the workload without and with the cache, and then what is worth
// seeing once.
func (s *shop) show(ctx context.Context) (*report, error) {
	r := &report{config: s.config}
	var err error
	if r.without, err = s.work(ctx, "without the cache", s.plain); err != nil {
		return nil, err
	}
	if err := s.known(ctx); err != nil {
		return nil, err
	}
	if r.with, err = s.work(ctx, "with the cache", s.cached); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, *report) error{s.check, s.write, s.crowd, s.refused} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step(ctx, r); err != nil {
			return nil, err
		}
	}
	r.stats = s.cache.Stats()
	return r, nil
}

// known waits until the cache has read the catalog with the new tables, which
// it does in the background.
func (s *shop) known(ctx context.Context) error {
	for start := time.Now(); ctx.Err() == nil; {
		_, res, err := s.readFrom(ctx, 0)
		if err != nil || res.Source() == querycache.Local {
			return err
		}
		late := time.Since(start) > s.patience
		switch reason := res.Reason(); {
		case reason == "", reason == querycache.ReasonCatalog:
		case reason == querycache.ReasonSession && !late: // it was looked at before the new tables were known of
		default:
			return fmt.Errorf("the cache refuses the query: %s", reason)
		}
		if late {
			return fmt.Errorf("answers are not kept in memory after %v, expected room for them: is QUERYCACHE_LOCAL_BYTES too small?", s.patience)
		}
	}
	return ctx.Err()
}

// write shows that nobody has to remember to delete anything.
func (s *shop) write(ctx context.Context, r *report) error {
	const author = 3
	before, _, err := s.readFrom(ctx, author)
	if err != nil {
		return err
	}
	again, res, err := s.readFrom(ctx, author)
	if err != nil {
		return err
	}
	r.steps = append(r.steps, step{before, res.Source()})
	if again != before {
		return fmt.Errorf("read %v, then %v, although nobody wrote", before, again)
	}
	if _, err := s.cached.ExecContext(ctx, reprice, author); err != nil { // the author's first book
		return err
	}
	after, res, err := s.readFrom(ctx, author)
	if err != nil {
		return err
	}
	r.steps = append(r.steps, step{after, res.Source()})
	if after.total != before.total+1 {
		return fmt.Errorf("stale: prices sum up to %d after the write, expected %d", after.total, before.total+1)
	}
	return nil
}

// crowd lets many ask for the same slow query at once, which nobody has asked
// before.
func (s *shop) crowd(ctx context.Context, r *report) error {
	before := s.cache.Stats()
	errs, counts := make([]error, s.cold), make([]int, s.cold)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range s.cold {
		group.Go(func() {
			<-start
			errs[i] = s.cached.QueryRowContext(ctx, survey).Scan(&counts[i])
		})
	}
	close(start)
	group.Wait()
	after := s.cache.Stats()
	r.coldQueries = after.Misses - before.Misses + bypasses(after) - bypasses(before)
	r.coldWaited, r.coldHits = after.Coalesced-before.Coalesced, after.Hits-before.Hits
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, n := range counts {
		if n != counts[0] {
			return fmt.Errorf("readers of one key were told %d and %d", counts[0], n)
		}
	}
	return nil
}

// refused shows a statement that must not be cached, and why it is not.
func (s *shop) refused(ctx context.Context, r *report) error {
	ctx, res := querycache.WithResult(ctx)
	var title string
	if err := s.cached.QueryRowContext(ctx, lottery).Scan(&title); err != nil {
		return err
	}
	if r.reason = res.Reason(); r.reason == "" {
		return errors.New("a query with random() was cached")
	}
	return nil
}

// check compares answers of the cache with the database's: what the run has
// left in memory for a key, if anything, and what is there after it was read.
func (s *shop) check(ctx context.Context, r *report) error {
	for author := range min(s.authors, 200) {
		want, err := read(ctx, s.plain, author)
		if err != nil {
			return err
		}
		for range 2 {
			got, res, err := s.readFrom(ctx, author)
			if err != nil {
				return err
			}
			if got != want {
				return fmt.Errorf("stale: author %d: the cache says %v, the database %v", author, got, want)
			}
			r.checked++
			if res.Source() == querycache.Local {
				r.fromMemory++
			}
		}
	}
	return nil
}
