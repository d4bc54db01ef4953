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
}

func (c *Cache) beginEverywhere(why Reason) everywhere {
	c.stats.everything.add(why)
	e := everywhere{cache: c, servers: c.servers.all()}
	for _, srv := range e.servers {
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
	for i := range e.writes {
		e.writes[i].Bump()
	}
	for _, srv := range e.cache.servers.all() {
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
