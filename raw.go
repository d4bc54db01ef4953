package querycache

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/wrap"
	"github.com/querycache/querycache/invalidation"
)

// ReadOnly, given to [Raw] in place of tables, says that f writes nothing.
const ReadOnly = "\x00read only"

// Raw runs f with the connection of the wrapped driver, for what the driver
// offers beyond database/sql: COPY, batches. Tables are what f writes by itself,
// as in SQL: what foreign keys and triggers of theirs write is followed, and a
// trigger that is not declared (Config.Writes) means anything. No table means
// anything, and [ReadOnly] nothing. They are announced before
// f runs and invalidated after it, also if it fails. In a transaction that is
// open on conn, they are invalidated by its COMMIT.
//
// A connection that is not wrapped is an error, as is a malformed name; f is
// not called then.
func Raw(ctx context.Context, conn *sql.Conn, f func(base driver.Conn) error, tables ...string) error {
	var parsed []dialect.Table
	for _, name := range tables {
		if name == ReadOnly {
			continue
		}
		t, err := parseTable(name)
		if err != nil {
			return fmt.Errorf("querycache: Raw: nothing was run: %w", err)
		}
		parsed = append(parsed, t)
	}
	return conn.Raw(func(c any) error {
		w := find(c)
		if w == nil {
			return errors.New("querycache: Raw: nothing was run: the connection is not wrapped by a Cache")
		}
		s, ok := w.Session().(*session)
		if !ok {
			return errors.New("querycache: Raw: nothing was run: the connection is not wrapped by a Cache")
		}
		base, err := w.Base(ctx)
		if err != nil {
			return err
		}
		return s.raw(ctx, base, f, parsed, len(tables) == 0)
	})
}

// raw announces, runs and invalidates.
func (s *session) raw(ctx context.Context, base driver.Conn, f func(driver.Conn) error, tables []dialect.Table, all bool) (err error) {
	s.settle()
	asOf := s.cache.altered.Load()
	ident := s.ident()
	var tags invalidation.Tags
	var why Reason
	switch {
	case all || ident.server == nil:
		tags = invalidation.Everything()
	case len(tables) > 0:
		tags, why = s.behind(ident, tables)
	}
	if tags.Empty() {
		s.handedOut()
		defer s.reconcile() // it may have ended the transaction
		return f(base)
	}
	var w write
	if s.tainted {
		w.all = s.cache.beginEverywhere(ReasonExposed, true)
	} else {
		w = s.cache.begin(ident, tags, all, why)
	}
	if s.tx != noTx {
		s.note(tags, all, s.tainted, asOf)
	}
	if err := w.announce(ctx); err != nil {
		w.cancel()
		return err
	}
	w.space.Apart()
	w.all.apart()
	err = errPanicked
	defer func() {
		s.handedOut() // f may have changed the session
		w.end(s.unknown(err))
		s.reconcile()
	}()
	err = f(base)
	return err
}

// behind returns what may be written with tables.
func (s *session) behind(ident *identity, tables []dialect.Table) (invalidation.Tags, Reason) {
	tags := ident.server.relations(tables)
	snap := ident.server.current()
	if snap == nil || s.cache.prober == nil {
		return tags, "" // they are everything, or names
	}
	st := &dialect.Statement{Kind: dialect.Write}
	for _, t := range tables {
		st.Writes = append(st.Writes, dialect.Target{Table: t, Ops: dialect.Insert | dialect.Update | dialect.Delete | dialect.Truncate})
	}
	r := snap.catalog.Resolve(st, ident.session)
	if r.Everything != "" || ident.server.escapes.writes(r.Writes) {
		return invalidation.Everything(), cmpReason(r.Everything, ReasonEscaped)
	}
	return tags.With(ident.server.tags(r.Writes)), ""
}

// Unwrap returns the connection of the wrapped driver inside sql.Conn.Raw, or
// conn itself if it is not wrapped, or nil if the database cannot be reached.
// It digs through other wrappers that have a method Raw or Unwrap.
//
// What is written through it is not seen by the cache: until the connection is
// used through database/sql again, or given back, everything counts as being
// written, and everything is invalid then. [Raw] says what it writes and is
// cheaper.
func Unwrap(conn driver.Conn) driver.Conn {
	if w := find(conn); w != nil {
		return w.Raw()
	}
	return conn
}

// find digs for a virtual connection.
func find(c any) *wrap.Conn {
	for range 16 { // wrappers do not nest deeper, and one may return itself
		switch v := c.(type) {
		case *wrap.Conn:
			return v
		case interface{ Raw() driver.Conn }:
			c = v.Raw()
		case interface{ Unwrap() driver.Conn }:
			c = v.Unwrap()
		default:
			return nil
		}
	}
	return nil
}
