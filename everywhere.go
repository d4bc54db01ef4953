package querycache

import (
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
		e.writes = append(e.writes, srv.space.Begin(invalidation.Everything()))
	}
	return e
}

func (e *everywhere) open() bool { return e.cache != nil }

// bump invalidates everything, also in databases that the cache has met since
// the write began.
func (e *everywhere) bump() {
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
		e.writes[i].Bump()
	}
	for _, srv := range servers {
		if !slices.Contains(e.servers, srv) {
			w := srv.space.Begin(invalidation.Everything())
			w.End()
		}
	}
}

// end bumps and closes the write.
func (e *everywhere) end() {
	e.bump()
	for i := range e.writes {
		e.writes[i].Cancel() // bumped above
	}
	*e = everywhere{}
}
