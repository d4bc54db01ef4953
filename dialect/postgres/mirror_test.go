package postgres_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
)

// A mirror is a connection through the cache and a bare one in the same state:
// what happens to one happens to the other, and both have to see the same.
type mirror struct {
	*fixture
	user         string
	cached, bare *sql.Conn
	// failed is the error of the bare connection's last read.
	failed error
}

// newMirror makes one of a user of its own, who may read everything.
// In setup, {user} stands for its name.
func newMirror(t *testing.T, setup string) *mirror {
	t.Helper()
	f := newFixture(t, nil)
	user := f.user("", tenantSchema+named(setup, role(t)))
	return f.mirror(as(t, f.dsn, user), user)
}

func (f *fixture) mirror(dsn, user string) *mirror {
	f.Helper()
	// Without prepared statements, which DISCARD takes from pgx.
	return &mirror{fixture: f, user: user, cached: f.conn(f.connect(dsn + describe)), bare: f.conn(f.open("pgx", dsn+describe))}
}

// user creates a role that may log in, then runs setup, then lets it read
// everything.
func (f *fixture) user(suffix, setup string) string {
	f.Helper()
	name := role(f.T) + suffix
	f.exec(f.bare, "DO $$ BEGIN CREATE ROLE "+name+" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
	f.Cleanup(func() {
		f.bare.Exec("DROP OWNED BY " + name + " CASCADE; DROP ROLE " + name) //nolint:noctx // the test's context is done
	})
	f.exec(f.bare, setup)
	f.exec(f.bare, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+name)
	return name
}

// do runs a statement that changes sessions, in both.
func (m *mirror) do(text string) {
	m.Helper()
	_, want := m.bare.ExecContext(m.Context(), text)
	_, got := m.cached.ExecContext(m.Context(), text)
	if message(got) != message(want) {
		m.Errorf("%s: error %v, bare %v", text, got, want)
	}
}

// compare reads in both.
func (m *mirror) compare(query string, args ...any) *querycache.Result {
	m.Helper()
	want, failed := dump(m.Context(), m.bare, query, args...)
	m.failed = failed
	var got string
	var err error
	var res *querycache.Result
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var ctx context.Context
		ctx, res = querycache.WithResult(m.Context())
		got, err = dump(ctx, m.cached, query, args...)
		// Until the catalog is there, what calls a function may write.
		if res.Reason() != querycache.ReasonCatalog && res.Source() != querycache.Unknown || time.Now().After(end) || failed != nil {
			break
		}
	}
	if got != want || message(err) != message(failed) {
		m.Errorf("%s: from %v\n got %s (%v)\nwant %s (%v)", query, res.Source(), got, err, want, failed)
	}
	return res
}

// named puts the name of a user into a text.
func named(text, user string) string { return strings.ReplaceAll(text, "{user}", user) }

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
