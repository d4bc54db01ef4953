package wrap

import (
	"context"
	"database/sql/driver"
	"io"
	"sync"
	"sync/atomic"
	"time"
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

	mu sync.Mutex // guards first
	// first is closed when the dial that nobody knows the end of yet has one.
	first chan struct{}
}

// New wraps base. What Driver returns is given as drv, since database/sql
// shows it to callers of DB.Driver.
func New(base driver.Connector, drv driver.Driver, owner Owner, limits Limits) *Connector {
	return &Connector{base: base, driver: drv, owner: owner, shelf: newShelf(limits, owner.Closed)}
}

// Connect implements driver.Connector. It dials only as long as no dial has
// succeeded.
func (k *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	c := &Conn{connector: k}
	c.session = k.owner.NewSession(c)
	k.shelf.arrive()
	if err := k.reach(ctx, c); err != nil {
		k.shelf.leave()
		return nil, err
	}
	return c, nil
}

// firstPatience is how long others wait for the first dial.
const firstPatience = 2 * time.Second

// reach makes sure that one dial has succeeded. While the first one is under
// way, others wait for it, but not for long: if it succeeds they need none. Should
// it fail, each dials for an error of its own, at the same time as on the bare driver.
func (k *Connector) reach(ctx context.Context, c *Conn) error {
	if k.reached.Load() {
		return nil
	}
	k.mu.Lock()
	first := k.first
	if first == nil {
		k.first = make(chan struct{})
		defer func() {
			k.mu.Lock()
			close(k.first)
			k.first = nil
			k.mu.Unlock()
		}()
	}
	k.mu.Unlock()
	if first != nil {
		timer := time.NewTimer(firstPatience)
		defer timer.Stop()
		select {
		case <-first:
		case <-timer.C: // it may hang, as one's own need not
		case <-ctx.Done():
			return ctx.Err()
		}
		if k.reached.Load() {
			return nil
		}
	}
	if _, err := c.adopt(ctx); err != nil {
		return err
	}
	k.reached.Store(true)
	// Whoever has a statement first uses it.
	r := c.real
	r.fresh = true
	c.last, c.real = r, nil
	k.shelf.put(r)
	c.uncount()
	return nil
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
		closed := k.shelf.close()
		if c, ok := k.base.(io.Closer); ok {
			err = c.Close()
		}
		closed()
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
