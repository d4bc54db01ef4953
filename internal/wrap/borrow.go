package wrap

import "context"

// Borrow returns a connection for work in the background, on which a real one is
// held: an idle one, or one dialled for it, within the limits and without
// waiting. It returns nil if there is none to be had now, with the error if it
// could not be dialled. The caller uses it as database/sql would, and ends with
// [Conn.GiveBack].
func (k *Connector) Borrow(ctx context.Context) (*Conn, error) {
	c := &Conn{connector: k}
	c.session = k.owner.NewSession(c)
	if k.shelf.isClosed() {
		return nil, nil //nolint:nilnil // nobody would hear of its end
	}
	if c.counted = c.tryCount(); !c.counted {
		return nil, nil //nolint:nilnil // that there is none is no error
	}
	if err := c.take(ctx); err != nil {
		c.uncount()
		return nil, err
	}
	return c, nil
}

// GiveBack ends the use of a borrowed connection. What its session holds nobody
// else relies on, so a real one that would have to stay with it is closed.
func (c *Conn) GiveBack() {
	if c.IsValid(); c.real != nil {
		c.drop()
	}
}
