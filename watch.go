package querycache

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/querycache/querycache/dialect"
)

// A mark is what is known of a real connection since it was last looked at.
type mark struct {
	ident *identity
	// reported are the settings that its server had reported then.
	reported string
	// asOf counts the schema changes before: later ones may change what its
	// session means, by a new schema in its search path, say.
	asOf uint64
	// again is when it may be looked at again if it could not be identified.
	again int64
}

// unknownFor is for how long a connection that could not be identified is not
// asked again: a writer may have had the file locked.
const unknownFor = time.Second

// look identifies a connection that is in no transaction. was is its server, nil
// if that is not known.
func (o *origin) look(ctx context.Context, base driver.Conn, was *server) *mark {
	m := &mark{asOf: o.cache.altered.Load()}
	m.ident = o.identify(ctx, base, was)
	if m.ident.server == nil {
		m.again = o.cache.clock.NowNano() + int64(unknownFor)
	}
	if w := o.cache.watcher; w != nil {
		m.reported, _ = w.Reported(base)
	}
	return m
}

// renew looks at the real connection held again if schemas have changed since.
// It reports false if what its session means is not known: in a transaction
// nothing of ours is asked.
func (s *session) renew(ctx context.Context) (known bool) {
	if s.cache.prober == nil {
		return true
	}
	now := s.cache.altered.Load()
	if s.own != nil {
		if s.ownAsOf != now {
			s.tainted, s.strays = true, true
		}
		return !s.strays
	}
	m, ok := s.conn.Mark().(*mark)
	if !ok || m.asOf == now && (m.ident.server != nil || s.cache.clock.NowNano() < m.again) {
		return true
	}
	if s.tx != noTx || s.tainted || s.holds {
		return false
	}
	return s.lookAgain(ctx, m)
}

// lookAgain looks at the real connection held, whose mark was the one given. It
// reports false if what its session means is not known.
func (s *session) lookAgain(ctx context.Context, last *mark) bool {
	was := last.ident.server
	m := s.origin.look(ctx, s.conn.Held(), was)
	if m.ident.server == nil {
		if was == nil {
			s.conn.SetMark(m)
		}
		return false
	}
	s.conn.SetMark(m)
	// One that is where it was says nothing against a newer one elsewhere.
	if now := s.origin.ident.Load(); m.ident.server != was || now.server == was {
		s.origin.ident.Store(m.ident)
	}
	return true
}

// identified reports whether the real connection, which could not be identified,
// can be now.
func (s *session) identified(ctx context.Context) bool {
	if _, err := s.conn.Base(ctx); err != nil {
		return false // the statement itself will meet the error
	}
	return s.renew(ctx) && s.ident().server != nil
}

// inTx asks the driver whether the connection held is in a transaction.
func (s *session) inTx() (in, ok bool) {
	base := s.conn.Held()
	if s.cache.watcher == nil || base == nil {
		return false, false
	}
	return s.cache.watcher.InTx(base)
}

// reconcile replaces what was concluded from the texts about a transaction by
// what the driver knows. database/sql's own transactions end when it says so.
func (s *session) reconcile() {
	if in, ok := s.inTx(); ok {
		s.found(in)
	}
}

// found notes whether a transaction is open. One that is not any more may have
// been committed by what was not seen.
func (s *session) found(in bool) {
	s.doubt = false
	switch {
	case s.tx == driverTx:
	case in && s.tx == noTx:
		s.tx, s.unsure = textTx, true
	case !in && s.tx == textTx:
		w := s.beginLogged()
		w.end(false)
		s.endTx()
	}
}

// outside reports whether it is known that no transaction is open. Where the
// driver does not tell, the server is asked, if there is a doubt.
func (s *session) outside(ctx context.Context) bool {
	s.reconcile()
	if !s.doubt {
		return s.tx == noTx
	}
	asker, ok := s.cache.prober.(dialect.TxAsker)
	if !ok || s.tx == driverTx {
		return false
	}
	base, err := s.conn.Base(ctx)
	if err != nil {
		return false
	}
	in, err := asker.AskTx(ctx, base)
	if err != nil {
		return false
	}
	s.found(in)
	return s.tx == noTx
}

// inside reports whether the transaction that seems to be open may be.
func (s *session) inside(ctx context.Context) bool { return !s.doubt || !s.outside(ctx) }

// drifted reports whether the server has changed the settings of the real
// connection held, which nobody has SET through it: its configuration was
// loaded anew, say. The connection is then looked at again, or is not used
// again if nobody relies on it: the next one dialled is looked at.
func (s *session) drifted() bool {
	m, ok := s.conn.Mark().(*mark)
	if !ok || s.own != nil || s.cache.watcher == nil {
		return false
	}
	now, ok := s.cache.watcher.Reported(s.conn.Held())
	if !ok || now == m.reported {
		return false
	}
	if s.kept {
		s.tainted, s.strays = true, true
	} else {
		s.conn.Discard()
	}
	return true
}
