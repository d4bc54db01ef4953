package querycache

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/querycache/querycache/stampede"
)

// aging says as what an answer is shown that is near or past the end of its
// lifetime, or while the shared tier is lost: [Local], [Stale] or, if it is not
// shown, [Unknown]. It may begin to refresh it.
func (l *load) aging(ctx context.Context, text string, args []driver.NamedValue, e *entry, age time.Duration) Source {
	c := l.session.cache
	ends := min(e.lives, l.ttl)
	switch over := age - ends; {
	case l.lapsed:
		// What others write is not known; what is written here is, and what the
		// database has refused.
		if stale := l.stale(); over < stale && l.silent() < stale && e.stamp.Valid() && (over < 0 || !e.refused.Load()) {
			return Stale
		}
	case over < 0:
		if !e.claim(c.clock) { // early has said that it is time
			return Local
		}
		if c.embedded {
			// A second connection could lock out its writers.
			l.old, l.claimed = e, true
			return Unknown
		}
		l.refresh(ctx, text, args, e)
		return Local
	case over < l.stale() && !e.refused.Load() && e.stamp.Valid():
		l.old = e
		if c.embedded {
			break
		}
		if e.claim(c.clock) {
			l.refresh(ctx, text, args, e)
		}
		return Stale
	}
	return Unknown
}

// stale returns for how long beyond its lifetime an answer may be shown: not at
// all to a caller who has said how old it may be.
func (l *load) stale() time.Duration {
	if l.opts != nil && l.opts.ttl > 0 {
		return 0
	}
	return l.decision.stale
}

// early draws whether a hit of this age refreshes the entry.
func (c *Cache) early(p *plan, e *entry, age, ttl time.Duration) bool {
	ends := min(e.lives, ttl)
	return c.clock.NowNano() >= e.next.Load() &&
		stampede.Early(ends-age, ends, p.cost.Load(), c.cfg.RefreshBeta, 1-rand.Float64())
}

// silent returns for how long it has not been known what others write.
func (l *load) silent() time.Duration {
	if f := l.decision.ident.server.fleet.Load(); f != nil {
		return f.node.Silent(age)
	}
	return 0
}

// instead says as what the old answer is shown instead of an error: [Unknown] if
// it is not.
func (l *load) instead(ctx context.Context, err error) Source {
	c, e := l.session.cache, l.old
	if e == nil || ctx.Err() != nil || !l.good(&e.stamp) {
		return Unknown
	}
	over := e.age(c.clock, l.ttl) - min(e.lives, l.ttl)
	switch {
	case over < 0 && l.silent() == 0:
		return Local
	case over < l.stale() && c.outage(err) && l.silent() < l.stale() && e.stamp.Valid():
		return Stale
	}
	return Unknown
}

// outage reports whether err says that the database cannot be reached, and not
// that it refuses this statement or this user. After driver.ErrBadConn
// database/sql tries again, and the last error tells more.
func (c *Cache) outage(err error) bool {
	if errors.Is(err, driver.ErrBadConn) {
		return false
	}
	if c.outages != nil {
		// An error may be several: one address does not answer, another refuses
		// the user.
		if outage, answered := c.outages.Outage(err); answered {
			return outage
		}
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
