package querycache

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/querycache/querycache/dialect"
)

// catalog returns the catalog of srv for a statement that is about to run on
// this connection: nil if it is not known. That of an embedded database is then
// read here and now, unless a transaction may be open, in which nothing of ours
// has a place.
func (s *session) catalog(ctx context.Context, srv *server) *snapshot {
	snap := s.origin.recent(srv)
	if snap == nil && !s.cache.embedded {
		srv.await(ctx)
		if snap = srv.current(); snap != nil && s.origin.outdated(snap) {
			snap = nil
		}
		return snap
	}
	if snap != nil || s.tx != noTx || s.tainted || s.holds {
		return snap
	}
	base, err := s.conn.Base(ctx)
	if err != nil || s.ident().server != srv || !srv.loading.CompareAndSwap(false, true) {
		return nil // the statement itself will meet the error; or somebody else is at it
	}
	defer srv.loading.Store(false)
	s.cache.readCatalog(ctx, srv, base)
	return s.origin.recent(srv)
}

// readCatalog reads the catalog of srv on a connection that is in no
// transaction.
func (c *Cache) readCatalog(ctx context.Context, srv *server, base driver.Conn) {
	if err := srv.read(ctx, c, base); err != nil {
		c.warnCatalog(err)
	}
}

func (c *Cache) warnCatalog(err error) {
	c.warnOnce("catalog", "cannot read the catalog, nothing is cached until it can be", "error", err)
}

// recent returns the catalog of srv if it is current and was read within
// Config.CatalogInterval: what others did to the schema must not go into new
// answers for longer. From half that age on it is read again in the background,
// so that a database in use is never without; that of an embedded database is
// read by whoever needs it, see [session.catalog].
func (o *origin) recent(srv *server) *snapshot {
	snap := srv.current()
	if snap == nil {
		o.refreshCatalog(srv)
		return srv.current() // without a catalog to read it is known at once
	}
	if o.cache.prober == nil {
		return snap
	}
	if o.cache.clock.Age(snap.asked) > o.cache.cfg.CatalogInterval/2 {
		o.refreshCatalog(srv)
	}
	if o.outdated(snap) {
		return nil
	}
	return snap
}

// outdated reports whether a catalog is too old for new answers.
func (o *origin) outdated(snap *snapshot) bool {
	return o.cache.prober != nil && o.cache.clock.Age(snap.asked) > o.cache.cfg.CatalogInterval
}

// refreshCatalog reads the catalog of srv in the background, over a connection
// of its own, unless somebody is at it already.
func (o *origin) refreshCatalog(srv *server) {
	c := o.cache
	switch {
	case c.prober == nil:
		srv.catalog.Store(&snapshot{catalog: dialect.Names{}, ddl: srv.ddl.Load()})
		return
	case c.embedded:
		return
	}
	if !srv.loading.CompareAndSwap(false, true) {
		return
	}
	now := &reading{began: time.Now(), done: make(chan struct{})}
	srv.reading.Store(now)
	started := c.start(func(ctx context.Context) {
		defer close(now.done)
		defer srv.loading.Store(false)
		// Where functions that may change the schema are called all the time,
		// reading the catalog must not become what the database does.
		pause(ctx, time.Until(time.Unix(0, srv.rest.Load())))
		began, before := time.Now(), srv.catalog.Load()
		defer func() {
			if now := srv.catalog.Load(); before != nil && now != nil && now.catalog == before.catalog {
				srv.rest.Store(time.Now().Add(catalogRest * time.Since(began)).UnixNano())
			}
		}()
		var err error
		for attempt := range catalogAttempts {
			err = o.loadCatalog(ctx, srv)
			if err == nil && srv.current() != nil || ctx.Err() != nil {
				return
			}
			pause(ctx, min(catalogPause<<attempt, catalogMaxPause))
		}
		if err != nil {
			c.warnCatalog(err)
		}
	})
	if !started {
		srv.loading.Store(false)
		close(now.done)
	}
}

// A reading is one of the catalog in the background.
type reading struct {
	began time.Time
	done  chan struct{}
}

// For how long after it began a reading is waited for: twice what the last one
// took, within these bounds.
const minCatalogWait, maxCatalogWait = 250 * time.Millisecond, 2 * time.Second

// await waits for a catalog that is being read, if that began just now. After a
// schema change everybody needs it: would all go on without it at once, each
// read would need a connection, and each function called would count as a write
// of everything. A reading that takes longer holds nobody up.
func (s *server) await(ctx context.Context) {
	r := s.reading.Load()
	if r == nil {
		return
	}
	wait := min(max(2*time.Duration(s.took.Load()), minCatalogWait), maxCatalogWait)
	left := wait - time.Since(r.began)
	if left <= 0 || time.Until(time.Unix(0, s.rest.Load())) >= left {
		return // it was put off for longer
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// What keeps a catalog from being read, such as another schema change, is often
// over soon. Whoever needs it later begins anew.
const (
	catalogAttempts = 10
	catalogPause    = 5 * time.Millisecond
	catalogMaxPause = time.Second
	catalogRest     = 4 // times as long as it took to find it unchanged
)

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (o *origin) loadCatalog(ctx context.Context, srv *server) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	base, err := o.connector.Dial(ctx)
	if err != nil {
		return err
	}
	defer base.Close()
	id, _, err := o.cache.probe(ctx, base)
	if err != nil {
		return err
	}
	if id != srv.id {
		return nil // the address leads to another server by now
	}
	return srv.read(ctx, o.cache, base)
}
