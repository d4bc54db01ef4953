package querycache

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/invalidation"
)

// escapes are the relations of a database of which it has turned out that their
// writes are not known. The zero value is ready.
type escapes struct {
	mu sync.Mutex // guards following
	// written are those that were written by what was not known, sources those
	// whose writes did it.
	written, sources map[string]bool
}

// reads reports whether one of the relations was written unknown.
func (e *escapes) reads(relations []string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(relations, func(r string) bool { return e.written[r] })
}

// writes reports whether a write of one of the relations may write others.
func (e *escapes) writes(relations []string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(relations, func(r string) bool { return e.sources[r] })
}

// add notes an escape. Of sources, the tags are given.
func (e *escapes) add(written, sources []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.written == nil {
		e.written, e.sources = make(map[string]bool), make(map[string]bool)
	}
	for _, r := range written {
		e.written[r] = true
	}
	for _, tag := range sources {
		if r, ok := relationOf(tag); ok {
			e.sources[r] = true
		}
	}
}

// samplesWrite reports whether the database is to be asked about a transaction
// although it is known what that has written.
func (c *Cache) samplesWrite() bool {
	share := c.cfg.SampleWrites
	return share > 0 && c.asker != nil && rand.Float64() < share //nolint:gosec // a sample
}

// verify compares what the transaction is known to have written with what the
// database says, and returns both together.
func (s *session) verify(ctx context.Context, l logged) logged {
	w, snap, ok := s.askWrites(ctx)
	if !ok {
		return l
	}
	srv := s.ident().server
	if w.Everything == dialect.ReasonUnknownTable {
		return l.with(logged{tags: invalidation.Everything(), why: w.Everything, ddl: l.ddl})
	}
	known := l.tags.Names()
	// What is only locked need not be written: the user may have locked it.
	escaped := slices.DeleteFunc(slices.Clone(w.Changed), func(r string) bool {
		return slices.Contains(known, relationTags([]string{r})[0])
	})
	if len(escaped) == 0 {
		return l
	}
	s.cache.stats.escaped.Add(int64(len(escaped)))
	srv.escapes.add(escaped, known)
	// Decisions that were made before must not hold any longer.
	for now := srv.catalog.Load(); now != nil; now = srv.catalog.Load() {
		again := *now
		again.id = catalogs.Add(1)
		if srv.catalog.CompareAndSwap(now, &again) {
			break
		}
	}
	for _, r := range escaped {
		s.cache.warnOnce("escape "+r, "a transaction has written a table unknown to the cache, which does not cache it any more: is Config.Writes right?",
			"table", r, "known", known)
	}
	return l.with(logged{tags: srv.tags(w.Relations), ddl: snap.ddl})
}
