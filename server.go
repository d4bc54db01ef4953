package querycache

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/invalidation"
)

// A server is the state kept per database, however many connectors reach it:
// what was written and what its catalog says.
type server struct {
	id    dialect.Server
	space *invalidation.Space

	// ddl counts the beginnings and ends of schema changes. A catalog
	// snapshot is current while the count is what it was before the
	// snapshot was read.
	ddl     atomic.Uint64
	catalog atomic.Pointer[snapshot]
	loading atomic.Bool
	// reading is the last time that the catalog was read in the background.
	reading atomic.Pointer[reading]
	// took is for how long it was last read when it had changed, nanoseconds.
	took atomic.Int64
	// rest is when the catalog may be read in the background again, in Unix
	// nanoseconds: see [origin.refreshCatalog].
	rest atomic.Int64

	escapes escapes

	fleet atomic.Pointer[fleet] // nil without a shared tier

	users int // connectors; guarded by servers.mu
}

// A snapshot is a catalog as of some count of schema changes.
type snapshot struct {
	catalog dialect.Catalog
	// id is equal for snapshots with the same catalog only. All that are Names
	// have 0.
	id    uint64
	ddl   uint64
	asked time.Time // before it was read
	// fingerprint was read before the catalog; "" if there is none.
	fingerprint string
}

// alter notes that a schema change begins or ends.
func (s *server) alter(c *Cache) {
	s.ddl.Add(1)
	c.altered.Add(1)
}

// current returns the catalog, nil if it is not known.
func (s *server) current() *snapshot {
	snap := s.catalog.Load()
	if snap == nil || snap.ddl != s.ddl.Load() {
		return nil
	}
	return snap
}

// read loads the catalog through conn. A schema change meanwhile makes what
// was read worthless; the caller then finds current still nil.
func (s *server) read(ctx context.Context, c *Cache, conn driver.Conn) error {
	prober := c.prober
	next := &snapshot{ddl: s.ddl.Load(), asked: time.Now()}
	if f, ok := prober.(dialect.Fingerprinter); ok {
		var err error
		if next.fingerprint, err = f.Fingerprint(ctx, conn); err != nil {
			return err
		}
	}
	last := s.catalog.Load()
	if last != nil && next.fingerprint != "" && next.fingerprint == last.fingerprint {
		next.catalog, next.id = last.catalog, last.id // what might have changed it has not
	} else {
		var err error
		if next.catalog, err = prober.Load(ctx, conn); err != nil {
			return err
		}
		next.catalog = c.declare(next.catalog)
		s.took.Store(int64(time.Since(next.asked)))
		next.id = catalogs.Add(1)
		c.settings.learn(next.catalog)
	}
	s.catalog.Store(next)
	if last != nil && guard(last.catalog) != guard(next.catalog) {
		// Others have changed who may see what. What sessions are has to be
		// looked at again, and what is kept is not waited for to expire.
		c.altered.Add(1)
		all := s.space.Begin(invalidation.Everything())
		all.End(false)
	}
	return nil
}

func guard(catalog dialect.Catalog) string {
	if g, ok := catalog.(dialect.Guarded); ok {
		return g.Guard()
	}
	return ""
}

// tags resolves canonical relation names to tags.
func (s *server) tags(relations []string) invalidation.Tags {
	return s.space.Tags(relationTags(relations)...)
}

// Relations and user tags share a space; their prefixes keep them apart.
func relationTags(relations []string) []string {
	out := make([]string, len(relations))
	for i, name := range relations {
		out[i] = "t:" + noNUL(name)
	}
	return out
}

// relationOf is the relation that a tag is of, false if it is a user's.
func relationOf(tag string) (string, bool) { return strings.CutPrefix(tag, "t:") }

func userTags(tags []string) []string {
	out := make([]string, len(tags))
	for i, name := range tags {
		out[i] = "u:" + noNUL(name)
	}
	return out
}

// noNUL keeps a byte out of tags that separates them in Redis. That two names come
// to be one costs an invalidation too many.
func noNUL(name string) string { return strings.ReplaceAll(name, "\x00", "\ufffd") }

// servers are the databases that the connectors of a Cache have reached. The
// zero value is ready.
type servers struct {
	mu     sync.Mutex // guards following
	list   []*server
	unused []*server // those of list that no connector reaches, last left at the end
}

// use returns the server with an identity. meet is called for one that was not
// known; isNew says whether the connector
// that asks has not used it before.
func (r *servers) use(id dialect.Server, meet func(*server), isNew func(*server) bool) *server {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := slices.IndexFunc(r.list, func(s *server) bool { return s.id == id })
	if at < 0 {
		at = len(r.list)
		s := &server{id: id, space: invalidation.NewSpace()}
		meet(s)
		r.list = append(r.list, s)
	}
	s := r.list[at]
	if isNew(s) {
		s.users++
		r.unused = slices.DeleteFunc(r.unused, func(x *server) bool { return x == s })
	}
	return s
}

// maxUnused bounds the servers that are remembered although no connector reaches
// them: a database that is opened again finds its answers.
const maxUnused = 16

// leave notes that a connector does not use a server any more, and returns the
// servers that are forgotten: those left longest ago that are too many, and one
// that is part of a fleet at once, since it costs goroutines and connections.
func (r *servers) leave(s *server) (forgotten []*server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	if s.fleet.Load() != nil {
		forgotten = append(forgotten, s)
	} else {
		r.unused = append(r.unused, s)
	}
	r.unused = slices.DeleteFunc(r.unused, func(x *server) bool { return x.users > 0 })
	for len(r.unused) > maxUnused {
		forgotten = append(forgotten, r.unused[0])
		r.unused = r.unused[1:]
	}
	r.list = slices.DeleteFunc(r.list, func(x *server) bool { return slices.Contains(forgotten, x) })
	return forgotten
}

func (r *servers) all() []*server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*server(nil), r.list...)
}
