package querycache

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"

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
	// sharedKey does so in all processes; empty if they cannot know.
	sharedKey string
	// opaque: hooks may set what the cache cannot see.
	opaque bool
	// ident is the identity that the newest connection has.
	ident atomic.Pointer[identity]

	mu      sync.Mutex // guards servers
	servers map[*server]bool
}

// NewSession implements wrap.Owner.
func (o *origin) NewSession(c *wrap.Conn) wrap.Session {
	return &session{cache: o.cache, origin: o, conn: c, open: new(int)}
}

// Closed implements wrap.Owner. What is known of a database is forgotten with
// the last connector that reaches it.
func (o *origin) Closed() {
	o.cache.origins.remove(o)
	o.mu.Lock()
	used := o.servers
	o.servers = nil
	o.mu.Unlock()
	for srv := range used {
		for _, srv := range o.cache.servers.leave(srv) {
			if f := srv.fleet.Load(); f != nil {
				f.close()
			}
			o.cache.identities.forget(srv)
			total, all := srv.space.Bumps()
			o.cache.stats.gone.Add(total)
			o.cache.stats.goneAll.Add(all)
		}
	}
}

// server returns the server with an identity, which this connector has reached.
func (o *origin) server(id dialect.Server) *server {
	return o.cache.servers.use(id, o.cache.join, func(srv *server) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.servers == nil {
			o.servers = make(map[*server]bool)
		}
		known := o.servers[srv]
		o.servers[srv] = true
		return !known
	})
}

// reached returns the server that a probe has named, on a connection whose server
// was the one given, or nil. A connection to a file stays with it: its path may
// be that of another file by now.
func (o *origin) reached(id dialect.Server, was *server) *server {
	if o.cache.embedded && was != nil {
		return was
	}
	return o.server(id)
}

// Dialed implements wrap.Owner. The newest connection decides under which
// identity answers are looked up and stored: after a failover the old ones
// are out of reach from here on.
func (o *origin) Dialed(ctx context.Context, base driver.Conn) any {
	m := o.look(ctx, base, nil)
	// A probe that failed says nothing about the others.
	if m.ident.server != nil || o.ident.Load() == nil {
		o.ident.Store(m.ident)
	}
	return m
}

func (o *origin) identify(ctx context.Context, base driver.Conn, was *server) *identity {
	c := o.cache
	if c.prober == nil {
		srv := o.server(unprobed)
		if srv.current() == nil {
			srv.catalog.Store(&snapshot{catalog: dialect.Names{}, ddl: srv.ddl.Load()})
		}
		return o.intern(srv, dialect.Session{})
	}
	srvID, session, err := c.probe(ctx, base)
	if err != nil {
		c.warnOnce("probe", "cannot identify the server, nothing is cached", "error", err)
		// Who knows whether its rows are its own.
		return &identity{refuse: ReasonProbe, session: dialect.Session{Pinned: c.embedded}}
	}
	srv := o.reached(srvID, was)
	if session.Refuse == "" && srv.current() == nil {
		if c.embedded {
			c.readCatalog(ctx, srv, base)
		} else {
			o.refreshCatalog(srv)
		}
	}
	return o.intern(srv, session)
}

func (o *origin) intern(srv *server, session dialect.Session) *identity {
	refuse := session.Refuse
	if refuse == "" && o.opaque && o.cache.cfg.Session == nil {
		refuse = ReasonSessionHook
	}
	return o.cache.identities.intern(o.cache.cfg.Namespace, o.driverKey, o.sharedKey, srv, session, refuse)
}
