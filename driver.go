package querycache

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/querycache/querycache/internal/wrap"
)

var (
	_ driver.Driver        = (*wrapped)(nil)
	_ driver.DriverContext = (*wrapped)(nil)
)

// Register makes base available to sql.Open under name, with its reads
// answered by the cache. Unlike sql.Register it returns an error, instead of
// panicking, if the name is taken or base is nil.
func (c *Cache) Register(name string, base driver.Driver) error {
	if base == nil {
		return fmt.Errorf("querycache: Register: the driver for %q is nil", name)
	}
	registering.Lock()
	defer registering.Unlock()
	if slices.Contains(sql.Drivers(), name) {
		return fmt.Errorf("querycache: Register: driver name %q is taken, expected one that is not in sql.Drivers", name)
	}
	sql.Register(name, c.Driver(base))
	return nil
}

// registering keeps two calls of Register from taking one name.
var registering sync.Mutex

// Driver wraps a driver. Its connectors are opened from a DSN, so that no hook
// of the program runs on their connections.
func (c *Cache) Driver(base driver.Driver) driver.Driver { return &wrapped{cache: c, base: base} }

// Connector wraps a connector for sql.OpenDB. A connector that may run hooks
// on its connections, which the dialect must know not to be so, is cached only
// under Config.Session.
func (c *Cache) Connector(base driver.Connector) driver.Connector {
	opaque := !c.cfg.Dialect.Transparent(base)
	if opaque && c.cfg.Session == nil {
		c.warnOnce("hook", "reads through this connector are not cached: it may set session state that the cache cannot see; say what varies in Config.Session",
			"connector", fmt.Sprintf("%T", base))
	}
	// What its options are cannot be known, so its answers are its own.
	key := appendKeyString(nil, fmt.Sprintf("%T", base))
	key = appendKeyString(key, "#"+strconv.FormatInt(connectors.Add(1), 10))
	// Other processes give the first connector of a type the same options, or
	// another Namespace. The next one has others, or there would be one.
	shared := ""
	if _, another := c.connectors.LoadOrStore(reflect.TypeOf(base), nil); !another {
		shared = string(appendKeyString(nil, fmt.Sprintf("%T", base)))
	}
	return c.wrap(base, &wrapped{cache: c, base: base.Driver()}, string(key), shared, opaque)
}

// connectors numbers those whose options are not known.
var connectors atomic.Int64

// OpenDB is sql.OpenDB with the connector wrapped.
func (c *Cache) OpenDB(base driver.Connector) *sql.DB { return sql.OpenDB(c.Connector(base)) }

func (c *Cache) wrap(base driver.Connector, drv driver.Driver, driverKey, sharedKey string, opaque bool) *wrap.Connector {
	o := &origin{cache: c, driverKey: driverKey, sharedKey: sharedKey, opaque: opaque}
	o.connector = wrap.New(base, drv, o, c.cfg.Conns.wrapped())
	c.origins.add(o)
	return o.connector
}

// From returns the cache behind a database opened through one.
func From(db *sql.DB) (*Cache, bool) {
	if w, ok := db.Driver().(*wrapped); ok {
		return w.cache, true
	}
	return nil, false
}

// wrapped is a driver whose connections go through a cache.
type wrapped struct {
	cache *Cache
	base  driver.Driver
}

// Open implements driver.Driver. database/sql uses OpenConnector.
func (w *wrapped) Open(dsn string) (driver.Conn, error) {
	connector, err := w.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return connector.Connect(context.Background())
}

// OpenConnector implements driver.DriverContext.
func (w *wrapped) OpenConnector(dsn string) (driver.Connector, error) {
	base, err := openConnector(w.base, dsn)
	if err != nil {
		return nil, err
	}
	key := appendKeyString(nil, fmt.Sprintf("%T", w.base))
	key = appendKeyString(key, dsn)
	return w.cache.wrap(base, w, string(key), string(key), false), nil
}

func openConnector(d driver.Driver, dsn string) (driver.Connector, error) {
	if dc, ok := d.(driver.DriverContext); ok {
		return dc.OpenConnector(dsn)
	}
	return dsnConnector{dsn: dsn, driver: d}, nil
}

// dsnConnector serves drivers that have none, as sql.Open does.
type dsnConnector struct {
	dsn    string
	driver driver.Driver
}

// Connect implements driver.Connector.
func (d dsnConnector) Connect(context.Context) (driver.Conn, error) { return d.driver.Open(d.dsn) }

// Driver implements driver.Connector.
func (d dsnConnector) Driver() driver.Driver { return d.driver }

// origins are the connectors of a cache. The zero value is ready.
type origins struct {
	mu   sync.Mutex // guards list
	list []*origin
	// gone are the figures of connectors that were closed.
	gone ConnStats
}

func (r *origins) add(o *origin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, o)
}

// remove forgets a connector that was closed, and keeps its figures.
func (r *origins) remove(o *origin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.list, o); i >= 0 {
		r.list = slices.Delete(r.list, i, i+1)
		st := o.connector.Stats()
		r.gone.Dials += st.Dials
		r.gone.Waits += st.Waits
	}
}

func (r *origins) stats() ConnStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := r.gone
	for _, o := range r.list {
		st := o.connector.Stats()
		sum.Open += st.Open
		sum.Idle += st.Idle
		sum.Dials += st.Dials
		sum.Waits += st.Waits
	}
	return sum
}
