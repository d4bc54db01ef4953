package querycache

import (
	"context"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/invalidation"
)

// logged is what becomes visible with a statement: what it writes, and what its
// transaction has written.
type logged struct {
	tags invalidation.Tags
	why  Reason // that tags are everything
	// alters: schema changes are among it; elsewhere: perhaps in another
	// database.
	alters, elsewhere bool
	// ddl counts the schema changes before the tags were found.
	ddl uint64
}

// with returns both together.
func (l logged) with(o logged) logged {
	return logged{
		tags: l.tags.With(o.tags), why: cmpReason(l.why, o.why),
		alters: l.alters || o.alters, elsewhere: l.elsewhere || o.elsewhere, ddl: min(l.ddl, o.ddl),
	}
}

func cmpReason(a, b Reason) Reason {
	if a != "" {
		return a
	}
	return b
}

// logged returns what the transaction has written. If COMMIT is what comes next,
// the database may be asked.
func (s *session) logged(ctx context.Context, commits bool) logged {
	l := logged{tags: s.log.Tags(), alters: s.logDDL, elsewhere: s.logElsewhere, ddl: s.ident().changes()}
	if !l.tags.Empty() && s.logAsOf != s.cache.altered.Load() {
		// The schema has changed since: what was written may be more.
		l.tags = l.tags.With(invalidation.Everything())
	}
	if l.elsewhere || l.tags.All() {
		return l
	}
	if s.asks.why == "" {
		if commits && !l.tags.Empty() && s.cache.samplesWrite() {
			return s.verify(ctx, l)
		}
		return l
	}
	if commits {
		if found, ok := s.told(ctx); ok {
			return l.with(found)
		}
	}
	return l.with(logged{
		tags: invalidation.Everything(), why: s.asks.why,
		alters: s.asks.alters, elsewhere: s.asks.elsewhere, ddl: l.ddl,
	})
}

// beginLogged marks what the transaction has written dirty.
func (s *session) beginLogged() write {
	return s.beginNow(s.ident(), s.logged(context.Background(), false))
}

// beginCommit is beginLogged for a COMMIT that comes next.
func (s *session) beginCommit(ctx context.Context) write {
	return s.beginNow(s.ident(), s.logged(ctx, true))
}

// beginNow marks what becomes visible now dirty.
func (s *session) beginNow(ident *identity, l logged) write {
	switch {
	case l.elsewhere:
		return write{cache: s.cache, all: s.cache.beginEverywhere(cmpReason(l.why, ReasonSession), l.alters), alters: l.alters}
	case l.tags.Empty():
		return write{}
	}
	w := s.cache.begin(ident, l.tags, l.alters, l.why)
	w.ddl = l.ddl
	return w
}

// asking is what a transaction has done that no name is known for: what that
// wrote, the database tells before COMMIT, when nobody else has seen it yet.
// The zero value is nothing.
type asking struct {
	why Reason // what would be everything; empty: nothing has to be asked
	// alters and elsewhere are what is feared if there is no answer.
	alters, elsewhere bool
}

func (a *asking) note(r reach, elsewhere bool) {
	if a.why == "" {
		a.why = cmpReason(r.why, ReasonSession)
	}
	a.alters, a.elsewhere = a.alters || r.alters, a.elsewhere || elsewhere
}

// maySettleLater reports whether it can wait for COMMIT what the statement
// has written, since the database is asked then.
func (s *session) maySettleLater(st *dialect.Statement, ident *identity) bool {
	if s.cache.asker == nil || s.cache.cfg.NoWriteQuery || ident.server == nil {
		return false
	}
	switch st.Kind {
	case dialect.Write, dialect.Read, dialect.Neutral:
		return true
	case dialect.Unknown:
		return st.Confined
	}
	return false
}

// told asks the database what the transaction has written. It reports false if
// that cannot be known.
func (s *session) told(ctx context.Context) (logged, bool) {
	w, snap, ok := s.askWrites(ctx)
	if !ok || w.Everything != "" && !w.Schema {
		return logged{}, false
	}
	srv := s.ident().server
	l := logged{tags: srv.tags(w.Relations), alters: w.Schema, ddl: snap.ddl}
	if w.Schema {
		l.tags, l.why = invalidation.Everything(), dialect.ReasonSchemaChange
		l.elsewhere = s.asks.elsewhere // roles and rights are those of all databases
	}
	return l, true
}

// askWrites sends the question. It reports false if there is no answer.
func (s *session) askWrites(ctx context.Context) (dialect.Written, *snapshot, bool) {
	srv := s.ident().server
	base := s.conn.Held()
	if srv == nil || base == nil || s.cache.asker == nil || s.unsure || *s.open > 0 {
		return dialect.Written{}, nil, false
	}
	snap := srv.current()
	if snap == nil {
		return dialect.Written{}, nil, false
	}
	s.cache.stats.asked.Add(1)
	// Whether the COMMIT is sent is for its own context to say: this question
	// must not end the connection.
	w, err := s.cache.asker.AskWrites(context.WithoutCancel(ctx), base, snap.catalog)
	return w, snap, err == nil
}
