package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/querycache/querycache"
)

// figures are what a run has measured.
type figures struct {
	time       time.Duration
	reads      int
	writes     int
	queries    int64           // reads that reached the database
	all        []time.Duration // sorted, like the following
	hits, miss []time.Duration
	joined     []time.Duration // answered by a query of another reader
}

func (f *figures) perSecond() float64 { return float64(f.reads) / f.time.Seconds() }

// work lets readers read by Zipf's law, as people do, while one writer writes.
func (s *shop) work(ctx context.Context, name string, db *sql.DB) (*figures, error) {
	before := s.cache.Stats()
	ctx, cancel := context.WithTimeout(ctx, s.phase)
	defer cancel()
	parts := make([]figures, s.readers)
	errs := make([]error, s.readers+1)
	var group sync.WaitGroup
	for i := range parts {
		group.Go(func() { errs[i] = s.reader(ctx, db, uint64(i), &parts[i]) })
	}
	sum := &figures{}
	group.Go(func() { sum.writes, errs[s.readers] = s.writer(ctx, db) })
	start := time.Now()
	group.Go(func() { s.progressLine(ctx, name) })
	group.Wait()
	sum.time = time.Since(start)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, p := range parts {
		sum.hits = append(sum.hits, p.hits...)
		sum.miss = append(sum.miss, p.miss...)
		sum.joined = append(sum.joined, p.joined...)
	}
	sum.all = slices.Concat(sum.hits, sum.miss, sum.joined)
	sum.reads = len(sum.all)
	for _, list := range [][]time.Duration{sum.all, sum.hits, sum.miss, sum.joined} {
		slices.Sort(list)
	}
	after := s.cache.Stats()
	if sum.queries = int64(sum.reads); db == s.cached {
		sum.queries = after.Misses - before.Misses + bypasses(after) - bypasses(before)
	}
	return sum, nil
}

func bypasses(st querycache.Stats) (n int64) {
	for _, count := range st.Bypasses {
		n += count
	}
	return n
}

func (s *shop) reader(ctx context.Context, db *sql.DB, seed uint64, f *figures) error {
	zipf := rand.NewZipf(rand.New(rand.NewPCG(seed, 1)), 1.1, 1, uint64(s.authors-1))
	for ctx.Err() == nil {
		asked, res := querycache.WithResult(context.Background())
		start := time.Now()
		if _, err := read(asked, db, int(zipf.Uint64())); err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		took := time.Since(start)
		switch res.Source() {
		case querycache.Local:
			f.hits = append(f.hits, took)
		case querycache.Coalesced:
			f.joined = append(f.joined, took)
		default: // a plain driver says nothing
			f.miss = append(f.miss, took)
		}
	}
	return nil
}

func (s *shop) writer(ctx context.Context, db *sql.DB) (n int, err error) {
	tick := time.NewTicker(s.pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return n, nil
		case <-tick.C:
		}
		if _, err := db.Exec(reprice, rand.IntN(s.books)); err != nil {
			return n, fmt.Errorf("writing: %w", err)
		}
		n++
	}
}

// progressLine is the line of progress of a run.
func (s *shop) progressLine(ctx context.Context, name string) {
	s.progress.phase(fmt.Sprintf("%s: %d readers for %v", name, s.readers, s.phase))
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.progress.within(fmt.Sprintf("%s: %d readers, %.1f of %v", name, s.readers, time.Since(start).Seconds(), s.phase))
		}
	}
}

// quantile of a sorted list; 0 if it is empty.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
