package wrap

import (
	"context"
	"database/sql/driver"
	"io"
	"sync"
	"sync/atomic"
)

var (
	_ driver.Connector = (*Connector)(nil)
	_ io.Closer        = (*Connector)(nil)
)

// A Connector hands virtual connections to database/sql and owns the real
// ones. It is safe for concurrent use.
type Connector struct {
	base   driver.Connector
	driver driver.Driver
	owner  Owner
	shelf  *shelf

	// reached is set once a dial has succeeded: until then Connect dials
	// for real, so that errors come when and as the bare driver gives them.
	reached atomic.Bool
	// pingless: the driver has no Pinger.
	pingless atomic.Bool
	proven   texts
	closing  sync.Once
}

// New wraps base. What Driver returns is given as drv, since database/sql
// shows it to callers of DB.Driver.
func New(base driver.Connector, drv driver.Driver, owner Owner, limits Limits) *Connector {
	return &Connector{base: base, driver: drv, owner: owner, shelf: newShelf(limits)}
}

// Connect implements driver.Connector. It dials only as long as no dial has
// succeeded.
func (k *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	c := &Conn{connector: k}
	c.session = k.owner.NewSession(c)
	k.shelf.arrive()
	if !k.reached.Load() {
		if _, err := c.adopt(ctx); err != nil {
			k.shelf.leave()
			return nil, err
		}
		k.reached.Store(true)
	}
	return c, nil
}

// Driver implements driver.Connector.
func (k *Connector) Driver() driver.Driver { return k.driver }

// Base returns the wrapped connector.
func (k *Connector) Base() driver.Connector { return k.base }

// Dial opens a connection of the wrapped driver that is not counted and not
// shared: for background work. The caller closes it.
func (k *Connector) Dial(ctx context.Context) (driver.Conn, error) { return k.base.Connect(ctx) }

// Close implements io.Closer; database/sql calls it from DB.Close.
func (k *Connector) Close() error {
	var err error
	k.closing.Do(func() {
		k.shelf.close()
		if c, ok := k.base.(io.Closer); ok {
			err = c.Close()
		}
		k.owner.Closed()
	})
	return err
}

// Stats are the real connections of a connector at one moment.
type Stats struct {
	Open  int   // idle, in use or being opened
	Idle  int   // on the shelf
	Dials int64 // opened since the start, or tried to
	Waits int64 // times that one had to be waited for
}

// Stats returns the current figures.
func (k *Connector) Stats() Stats {
	s := k.shelf
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Open: s.open, Idle: len(s.idle), Dials: s.dials, Waits: s.waits}
}

// dial opens a real connection that the shelf has counted already.
func (k *Connector) dial(ctx context.Context) (*real, error) {
	conn, err := k.base.Connect(ctx)
	if err != nil {
		k.shelf.forget()
		return nil, err
	}
	r := newReal(conn)
	if _, ok := conn.(driver.Pinger); !ok {
		k.pingless.Store(true)
	}
	r.mark = k.owner.Dialed(ctx, conn)
	return r, nil
}
