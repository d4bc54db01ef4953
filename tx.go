package querycache

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/invalidation"
)

// Begin implements wrap.Session.
func (s *session) Begin(ctx context.Context, begin func() error) error {
	s.settle()
	s.renew(ctx) // within the transaction it could not be
	// On a connection that is in a transaction by SQL text, some servers
	// commit that one.
	w := s.beginLogged()
	err := s.during(&w, begin)
	w.end(s.unknown(err))
	if err == nil {
		s.endTx()
		s.tx = driverTx
	} else {
		s.mayHaveBegun(ctx)
	}
	return err
}

// mayHaveBegun notes that a driver's BeginTx has failed: BEGIN may have taken
// effect, where the context ended when it had. Where nobody can be asked, the
// connection is not used again.
func (s *session) mayHaveBegun(ctx context.Context) {
	if s.tx != noTx || s.conn.Held() == nil {
		return
	}
	_, asks := s.cache.prober.(dialect.TxAsker)
	switch {
	case asks || s.cache.watcher != nil:
		s.tx, s.unsure, s.doubt = textTx, true, true
		s.reconcile()
	case ctx.Err() != nil:
		s.conn.Discard()
	}
}

// Commit implements wrap.Session. What was written becomes visible while
// COMMIT runs, so the tags are dirty from before it until after the bump. An
// error is no proof that nothing was committed.
func (s *session) Commit(commit func() error) error {
	s.settle()
	w := s.beginCommit(context.Background())
	if mistake.Made(mistake.BumpFirst) {
		w.end(false)
	}
	if err := w.announce(context.Background()); err != nil {
		// Not sent: with its connection the server ends the transaction.
		w.cancel()
		s.ended(err)
		return err
	}
	err := s.during(&w, commit)
	if err != nil && s.cache.cfg.Dialect.Aborted(err) {
		w.cancel()
	} else {
		w.end(s.unknown(err))
	}
	s.ended(err)
	return err
}

// during calls the driver within a write. Should it panic, what it did is not
// known, and the write must not stay open for ever.
func (s *session) during(w *write, call func() error) error {
	returned := false
	defer func() {
		if !returned {
			w.end(true)
			s.ended(errPanicked)
		}
	}()
	err := call()
	returned = true
	return err
}

// unknown reports whether err leaves open that the database has yet to do what
// it was asked: nobody has heard its answer.
func (s *session) unknown(err error) bool {
	if err == nil || s.cache.embedded {
		return false
	}
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errPanicked) ||
		errors.As(err, &network) || !s.conn.Healthy()
}

// Rollback implements wrap.Session. A rollback that succeeded has undone what
// was logged, and what was written outside of the transaction has been
// announced when it was.
func (s *session) Rollback(rollback func() error) error {
	s.settle()
	err := rollback()
	if err != nil {
		w := s.beginLogged()
		w.end(s.unknown(err))
	}
	s.ended(err)
	return err
}

// ended notes the end of database/sql's transaction. If the server did not
// confirm it, the connection may still be in it: it is not used again.
func (s *session) ended(err error) {
	s.endTx()
	if err != nil {
		s.tx, s.unsure = textTx, true
		if !s.ident().session.Pinned {
			s.conn.Discard()
		}
	}
}

// isControl reports whether a statement begins, ends or divides a transaction.
func isControl(st *dialect.Statement) bool {
	return st.Kind >= dialect.Begin && st.Kind <= dialect.RollbackTo
}

// track follows transaction control in SQL text that has succeeded.
func (s *session) track(st *dialect.Statement) {
	switch st.Kind {
	case dialect.Begin:
		if s.tx == noTx {
			s.tx = textTx
		}
	case dialect.Commit, dialect.Rollback:
		if s.tx == driverTx {
			s.unsure = true // database/sql goes on as if in a transaction
			return
		}
		s.endTx()
	case dialect.Savepoint:
		if s.tx == noTx {
			s.tx, s.bySavepoint = textTx, true
		}
		s.savepoints = append(s.savepoints, st.Savepoint)
	case dialect.Release:
		s.cutSavepoints(st.Savepoint, false)
		if s.bySavepoint && len(s.savepoints) == 0 {
			s.endTx()
		}
	case dialect.RollbackTo:
		s.cutSavepoints(st.Savepoint, true)
	}
}

// cutSavepoints forgets the savepoints set since name, and name unless keep.
func (s *session) cutSavepoints(name string, keep bool) {
	for i := len(s.savepoints) - 1; i >= 0; i-- {
		if s.savepoints[i] == name {
			if keep {
				i++
			}
			s.savepoints = slices.Clip(s.savepoints[:i])
			return
		}
	}
}

// note logs tags for the end of the transaction.
func (s *session) note(tags invalidation.Tags, ddl, elsewhere bool, asOf uint64) {
	if s.log.Tags().Empty() {
		s.logAsOf = asOf
	}
	s.log.Add(tags)
	s.logDDL = s.logDDL || ddl
	s.logElsewhere = s.logElsewhere || elsewhere && !tags.Empty()
}
