package querycache

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/stampede"
)

// Times of refreshes.
const (
	refreshTimeout = 30 * time.Second
	// refreshPause is the time after a refresh that brought nothing.
	refreshPause = time.Second
)

// refresh loads an answer anew in the background, on a connection borrowed for
// it, while the old one is still shown. The caller has claimed the entry.
func (l *load) refresh(ctx context.Context, text string, args []driver.NamedValue, old *entry) {
	c, o := l.session.cache, l.session.origin
	args, ok := ownArgs(args)
	if !ok {
		c.stats.skipped.Add(1)
		old.unclaim(c.clock, refreshPause)
		return
	}
	r := load{
		plan: l.plan, decision: l.decision, key: old.key, hash: l.hash, ttl: l.ttl, old: old, background: true,
	}
	// Before a connection is opened for it, and apart from the loads that
	// somebody waits for.
	release, ok := c.refreshing.Try()
	if !ok {
		c.stats.skipped.Add(1)
		old.unclaim(c.clock, refreshPause)
		return
	}
	if l.opts != nil {
		r.opts = &options{ttl: l.opts.ttl, tags: l.opts.tags}
	}
	values := context.WithoutCancel(ctx)
	if !c.start(func(end context.Context) {
		defer release()
		defer func() { old.unclaim(c.clock, r.pause()) }()
		ctx, cancel := context.WithTimeout(values, refreshTimeout)
		defer cancel()
		defer context.AfterFunc(end, cancel)()
		conn, err := o.connector.Borrow(ctx)
		if conn == nil {
			c.stats.skipped.Add(1)
			c.refused(ctx, old, err)
			return
		}
		defer conn.GiveBack()
		r.session = conn.Session().(*session)
		// Whoever called the driver in the foreground could recover; here nobody
		// else can.
		defer func() {
			if p := recover(); p != nil {
				conn.Discard()
				c.stats.unrefreshed.Add(1)
				c.warnOnce("panic", "the driver panicked in a refresh", "type", fmt.Sprintf("%T", p))
			}
		}()
		r.again(ctx, text, args)
	}) {
		release()
		old.unclaim(c.clock, refreshPause) // the cache is closed
	}
}

// again is the load of a refresh. Readers that need the answer meanwhile join it.
func (l *load) again(ctx context.Context, text string, args []driver.NamedValue) {
	c := l.session.cache
	c.stats.refreshes.Add(1)
	var res stampede.Result[*resultset.Set]
	if l.renew(ctx) == "" {
		// It holds a connection: who loads meanwhile may be waiting for that.
		alone := c.cfg.Conns.Max > 0
		res = c.flight.Do(ctx, l.key, l.stamp, func(st stamp) bool { return !alone && st.Current() },
			func(ctx context.Context, st stamp) (*resultset.Set, stampede.Outcome, error) {
				return l.query(ctx, st, nil, text, args)
			})
	}
	c.refused(ctx, l.old, res.Err)
	if l.rec != nil {
		_ = l.rec.Rows(l.done).Close() // what is left of an answer that is too large
	}
	l.refreshed(res.Value)
}

// refused notes that the database does not want to answer again: the old answer is
// then not shown beyond its lifetime.
func (c *Cache) refused(ctx context.Context, old *entry, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, driver.ErrBadConn) && !c.outage(err) {
		old.refused.Store(true)
	}
}

// pause is the time after which another refresh may begin: soon, if another process
// is at it.
func (l *load) pause() time.Duration {
	if l.elsewhere {
		return min(l.plan.cost.Load(), refreshPause)
	}
	return refreshPause
}

// refreshed counts the end of a refresh; set is nil if it brought nothing.
func (l *load) refreshed(set *resultset.Set) {
	n := &l.session.cache.stats
	switch {
	case l.elsewhere:
		n.skipped.Add(1)
	case set == nil:
		n.unrefreshed.Add(1)
	case set.Equal(l.old.set):
		n.unchanged.Add(1)
	}
}

// ownArgs returns a copy of the arguments that nobody else can change, if there
// is one.
func ownArgs(args []driver.NamedValue) ([]driver.NamedValue, bool) {
	out := slices.Clone(args)
	for i := range out {
		switch v := out[i].Value.(type) {
		case nil, string, int, int64, float64, bool, time.Time:
		case []byte:
			out[i].Value = slices.Clone(v)
		default:
			r := reflect.ValueOf(v)
			switch {
			case unshared(r.Type()):
			case r.Kind() == reflect.Slice && unshared(r.Type().Elem()):
				if !r.IsNil() {
					own := reflect.MakeSlice(r.Type(), r.Len(), r.Len())
					reflect.Copy(own, r)
					out[i].Value = own.Interface()
				}
			default:
				return nil, false
			}
		}
	}
	return out, true
}

// unshared reports whether values of a type hold no memory that another could
// change.
func unshared(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return true
	case reflect.Array:
		return unshared(t.Elem())
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return true // what its zone points to never changes
		}
		for i := range t.NumField() {
			if !unshared(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return false
}
