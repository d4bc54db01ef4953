package querycache

import (
	"context"
	"errors"
	"slices"

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

func (c *Cache) beginEverywhere(why Reason, alters bool) everywhere {
	c.stats.everything.add(why)
	e := everywhere{cache: c, servers: c.servers.all(), alters: alters}
	for _, srv := range e.servers {
		if alters {
			srv.alter(c)
		}
		tags := invalidation.Everything()
		if alters {
			tags = tags.With(srv.space.Tags(invalidation.Schema))
		}
		e.writes = append(e.writes, srv.space.Begin(tags))
	}
	return e
}

// announce tells the fleets; see [invalidation.Write.Announce].
func (e *everywhere) announce(ctx context.Context) error {
	var errs []error
	for i := range e.writes {
		errs = append(errs, e.writes[i].Announce(ctx))
	}
	return errors.Join(errs...)
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
	for i := range e.writes {
		if last {
			e.writes[i].End(unknown)
		} else {
			e.writes[i].Bump()
		}
	}
	for _, srv := range servers {
		if !slices.Contains(e.servers, srv) {
			w := srv.space.Begin(invalidation.Everything())
			w.End(unknown)
		}
	}
}

// end bumps and closes the write. unknown says that it may take effect later.
func (e *everywhere) end(unknown bool) {
	e.bumpAll(true, unknown)
	*e = everywhere{}
}
