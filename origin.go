package querycache

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/wrap"
)

// unprobed is the server of connectors whose dialect cannot ask. They share
// one, so that writes through any of them reach all: which of them are the
// same database is not known. Their keys are apart nevertheless.
const unprobed dialect.Server = "unprobed"

var _ wrap.Owner = (*origin)(nil)

// An origin is the cache's side of one connector.
type origin struct {
	cache     *Cache
	connector *wrap.Connector
	// driverKey tells this connector's driver and options from others'.
	driverKey string
	// opaque: hooks may set what the cache cannot see.
	opaque bool
	// ident is the identity that the newest connection has.
	ident atomic.Pointer[identity]
}

// NewSession implements wrap.Owner.
func (o *origin) NewSession(c *wrap.Conn) wrap.Session {
	return &session{cache: o.cache, origin: o, conn: c}
}

// Closed implements wrap.Owner.
func (o *origin) Closed() { o.cache.origins.remove(o) }

// Dialed implements wrap.Owner. The newest connection decides under which
// identity answers are looked up and stored: after a failover the old ones
// are out of reach from here on.
func (o *origin) Dialed(ctx context.Context, base driver.Conn) any {
	id := o.identify(ctx, base)
	o.ident.Store(id)
	return id
}

func (o *origin) identify(ctx context.Context, base driver.Conn) *identity {
	c := o.cache
	prober := c.prober
	if prober == nil {
		srv := c.servers.get(unprobed)
		if srv.current() == nil {
			srv.catalog.Store(&snapshot{catalog: dialect.Names{}, ddl: srv.ddl.Load()})
		}
		return o.intern(srv, dialect.Session{})
	}
	srvID, session, err := prober.Probe(ctx, base)
	if err != nil {
		c.warnOnce("probe", "cannot identify the server, nothing is cached", "error", err)
		return &identity{refuse: ReasonProbe}
	}
	srv := c.servers.get(srvID)
	if session.Refuse == "" && srv.current() == nil {
		// The first connection pays for the catalog, once; later
		// reloads run in the background.
		if err := srv.read(ctx, prober, base); err != nil {
			c.warnOnce("catalog", "cannot read the catalog, nothing is cached until it can be", "error", err)
		}
	}
	return o.intern(srv, session)
}

func (o *origin) intern(srv *server, session dialect.Session) *identity {
	refuse := session.Refuse
	if refuse == "" && o.opaque && o.cache.cfg.Session == nil {
		refuse = ReasonSessionHook
	}
	return o.cache.identities.intern(o.cache.cfg.Namespace, o.driverKey, srv, session, refuse)
}

// recent returns the catalog of srv if it is current and was read within
// Config.CatalogInterval: what others did to the schema must not go into new
// answers for longer. From half that age on it is read again in the background,
// so that a database in use is never without.
func (o *origin) recent(srv *server) *snapshot {
	snap := srv.current()
	if snap == nil {
		o.refreshCatalog(srv)
		return nil
	}
	if o.cache.prober == nil {
		return snap
	}
	age, interval := o.cache.clock.Age(snap.asked), o.cache.cfg.CatalogInterval
	if age > interval/2 {
		o.refreshCatalog(srv)
	}
	if age > interval {
		return nil
	}
	return snap
}

// refreshCatalog reads the catalog of srv in the background, over a connection
// of its own, unless somebody is at it already.
func (o *origin) refreshCatalog(srv *server) {
	c := o.cache
	if c.prober == nil {
		srv.catalog.Store(&snapshot{catalog: dialect.Names{}, ddl: srv.ddl.Load()})
		return
	}
	if !srv.loading.CompareAndSwap(false, true) {
		return
	}
	started := c.start(func(ctx context.Context) {
		defer srv.loading.Store(false)
		var err error
		for attempt := range catalogAttempts {
			err = o.loadCatalog(ctx, srv)
			if err == nil && srv.current() != nil || ctx.Err() != nil {
				return
			}
			pause(ctx, min(catalogPause<<attempt, catalogMaxPause))
		}
		if err != nil {
			c.warnOnce("catalog", "cannot read the catalog, nothing is cached until it can be", "error", err)
		}
	})
	if !started {
		srv.loading.Store(false)
	}
}

// What keeps a catalog from being read, such as a lock in SQLite or another
// schema change, is often over soon. Whoever needs it later begins anew.
const (
	catalogAttempts = 10
	catalogPause    = 5 * time.Millisecond
	catalogMaxPause = time.Second
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
	id, _, err := o.cache.prober.Probe(ctx, base)
	if err != nil {
		return err
	}
	if id != srv.id {
		return nil // the address leads to another server by now
	}
	return srv.read(ctx, o.cache.prober, base)
}
