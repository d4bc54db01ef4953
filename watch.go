package querycache

import "database/sql/driver"

// A mark is what is known of a real connection since it was dialled.
type mark struct {
	ident *identity
	// reported are the settings that its server had reported then.
	reported string
}

// mark looks at a new connection.
func (o *origin) mark(id *identity, base driver.Conn) *mark {
	m := &mark{ident: id}
	if w := o.cache.watcher; w != nil {
		m.reported, _ = w.Reported(base)
	}
	return m
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
	in, ok := s.inTx()
	switch {
	case !ok || s.tx == driverTx:
	case in && s.tx == noTx:
		s.tx, s.unsure = textTx, true
	case !in && s.tx == textTx:
		s.endTx()
	}
}

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
		s.tainted = true
	} else {
		s.conn.Discard()
	}
	return true
}
