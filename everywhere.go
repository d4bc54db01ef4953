package querycache

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/querycache/querycache/invalidation"
)

// everywhere is a write of which not even the database is known: it counts for
// all databases of the cache. The zero value is a write of nothing.
type everywhere struct {
	cache   *Cache
	servers []*server
	writes  []invalidation.Write
	// alters: it may change schemas, too.
	alters bool
}

// everything is all that there is in a database, its schema too if it alters.
func everything(srv *server, alters bool) invalidation.Tags {
	if alters {
		return invalidation.Everything().With(srv.space.Tags(invalidation.Schema))
	}
	return invalidation.Everything()
}

func (c *Cache) beginEverywhere(why Reason, alters bool) everywhere {
	c.stats.everything.add(why)
	e := everywhere{cache: c, servers: c.servers.all(), alters: alters}
	for _, srv := range e.servers {
		if alters {
			srv.alter(c)
		}
		e.writes = append(e.writes, srv.space.Begin(everything(srv, alters)))
	}
	return e
}

// announce tells the fleets; see [invalidation.Write.Announce].
func (e *everywhere) announce(ctx context.Context) error {
	errs := make([]error, len(e.writes))
	together(len(e.writes), func(i int) { errs[i] = e.writes[i].Announce(ctx) })
	return errors.Join(errs...)
}

// together calls f for 0 to n-1 at the same time: each may wait for Redis.
func together(n int, f func(i int)) {
	var group sync.WaitGroup
	for i := 1; i < n; i++ {
		group.Go(func() { f(i) })
	}
	if n > 0 {
		f(0)
	}
	group.Wait()
}

// apart is [invalidation.Write.Apart].
func (e *everywhere) apart() {
	for i := range e.writes {
		e.writes[i].Apart()
	}
}

func (e *everywhere) open() bool { return e.cache != nil }

// bump invalidates everything, also in databases that the cache has met since
// the write began.
func (e *everywhere) bump() { e.bumpAll(false, false) }

func (e *everywhere) bumpAll(last, unknown bool) {
	if e.cache == nil {
		return
	}
	servers := e.cache.servers.all()
	if e.alters {
		for _, srv := range servers {
			srv.alter(e.cache) // before the bump, see [write.end]
		}
	}
	together(len(e.writes), func(i int) {
		if last {
			e.writes[i].End(unknown)
		} else {
			e.writes[i].Bump()
		}
	})
	for _, srv := range servers {
		if !slices.Contains(e.servers, srv) {
			w := srv.space.Begin(everything(srv, e.alters))
			w.End(unknown)
		}
	}
}

// end bumps and closes the write. unknown says that it may take effect later.
func (e *everywhere) end(unknown bool) {
	e.bumpAll(true, unknown)
	*e = everywhere{}
}
