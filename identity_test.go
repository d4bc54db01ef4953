package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/fakedriver"
)

// askingDialect is the generic one, but it asks the fake database who it is
// and whose session it has: what PostgreSQL answers with its user and role.
type askingDialect struct {
	dialect.Dialect
	server dialect.Server
}

func newAsking() askingDialect { return askingDialect{dialect.Generic(), "one server"} }

func (d askingDialect) Probe(ctx context.Context, conn driver.Conn) (dialect.Server, dialect.Session, error) {
	stmt, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, "SELECT tenant")
	if err != nil {
		return "", dialect.Session{}, err
	}
	defer stmt.Close()
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, nil)
	if err != nil {
		return "", dialect.Session{}, err
	}
	defer rows.Close()
	user := make([]driver.Value, 1)
	if err := rows.Next(user); err != nil {
		return "", dialect.Session{}, err
	}
	return d.server, dialect.Session{Key: fmt.Sprint(user[0])}, nil
}

func (d askingDialect) Load(context.Context, driver.Conn) (dialect.Catalog, error) {
	return dialect.Names{}, nil
}

// Transparent: the connectors of the test are, unless they are hooked.
func (askingDialect) Transparent(c driver.Connector) bool {
	_, hooks := c.(hooked)
	return !hooks
}

// signedIn connects as a user.
type signedIn struct {
	driver.Connector
	user string
}

func (s signedIn) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return conn, setTenant(ctx, conn, s.user)
}

func (s signedIn) Close() error { return s.Connector.(io.Closer).Close() }

// hooked sets the tenant of each request on its connection, where the cache
// cannot see it.
type hooked struct{ signedIn }

func (h hooked) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := h.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return hookedConn{conn, conn.(fullConn)}, setTenant(ctx, conn, tenantOf(ctx))
}

type fullConn interface {
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.QueryerContext
	driver.ExecerContext
	driver.NamedValueChecker
}

type hookedConn struct {
	driver.Conn
	fullConn
}

func (c hookedConn) ResetSession(ctx context.Context) error {
	return setTenant(ctx, c.Conn, tenantOf(ctx))
}

func setTenant(ctx context.Context, conn driver.Conn, who string) error {
	stmt, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, "SET tenant = ?")
	if err != nil {
		return err
	}
	defer stmt.Close()
	_, err = stmt.(driver.StmtExecContext).ExecContext(ctx, []driver.NamedValue{{Ordinal: 1, Value: who}})
	return err
}

type tenantKey struct{}

func withTenant(who string) context.Context {
	return context.WithValue(context.Background(), tenantKey{}, who)
}

func tenantOf(ctx context.Context) string {
	who, _ := ctx.Value(tenantKey{}).(string)
	return who
}

func newCache(t *testing.T, cfg querycache.Config) *querycache.Cache {
	t.Helper()
	cache, err := querycache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return cache
}

// cached opens a database and waits until its catalog is known.
func (p *plainDB) cached(cache *querycache.Cache, c driver.Connector) *sql.DB {
	p.Helper()
	db := cache.OpenDB(c)
	p.Cleanup(func() { db.Close() })
	if err := db.Ping(); err != nil {
		p.Fatal(err)
	}
	cache.CatalogWork()
	return db
}

type plainDB struct{ *testing.T }

// expect reads through db and checks answer and source.
func (p *plainDB) expect(ctx context.Context, db queryer, query, want string, from querycache.Source) {
	p.Helper()
	ctx, res := querycache.WithResult(ctx)
	got, err := dump(ctx, db, query)
	if err != nil {
		p.Fatalf("%s: %v", query, err)
	}
	if got != want || res.Source() != from {
		p.Errorf("%s: %q from %v (%s), want %q from %v", query, got, res.Source(), res.Reason(), want, from)
	}
}

// Two users of one server never share a row, and see each other's writes.
func TestUsersShareNoRow(t *testing.T) {
	p := &plainDB{t}
	srv := fakedriver.New()
	cache := newCache(t, querycache.Config{Dialect: newAsking(), Namespace: "app"})
	ann := p.cached(cache, signedIn{srv.Connector(fakedriver.Full), "ann"})
	bob := p.cached(cache, signedIn{srv.Connector(fakedriver.Full), "bob"})
	ctx := context.Background()
	for _, from := range []querycache.Source{querycache.Database, querycache.Local} {
		p.expect(ctx, ann, tenant, "string:ann \n", from)
		p.expect(ctx, bob, tenant, "string:bob \n", from)
	}
	if _, err := ann.Exec(update, "new", 1); err != nil {
		t.Fatal(err)
	}
	p.expect(ctx, bob, tenant, "string:bob \n", querycache.Database)

	// A session that becomes another user's reads that user's rows.
	conn, err := ann.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.expect(ctx, conn, tenant, "string:ann \n", querycache.Database)
	if _, err := conn.ExecContext(ctx, "SET tenant = 'bob'"); err != nil {
		t.Fatal(err)
	}
	// SET might have written anything, so nothing is left from before, the
	// catalog neither.
	cache.CatalogWork()
	p.expect(ctx, conn, tenant, "string:bob \n", querycache.Database)
	p.expect(ctx, conn, tenant, "string:bob \n", querycache.Local)
	p.expect(ctx, ann, tenant, "string:ann \n", querycache.Database)
}

// Two drivers of one server return different Go types.
func TestDriversShareNoRow(t *testing.T) {
	p := &plainDB{t}
	srv := fakedriver.New()
	cache := newCache(t, querycache.Config{Dialect: newAsking(), Namespace: "app"})
	full := p.cached(cache, srv.Connector(fakedriver.Full))
	noReset := p.cached(cache, srv.Connector(fakedriver.NoReset))
	same := p.cached(cache, srv.Connector(fakedriver.Full))
	ctx := context.Background()
	p.expect(ctx, full, one, "int64:1 string:one int64:1 \n", querycache.Database)
	p.expect(ctx, noReset, one, "int64:1 string:one int64:1 \n", querycache.Database)
	p.expect(ctx, full, one, "int64:1 string:one int64:1 \n", querycache.Local)
	p.expect(ctx, same, one, "int64:1 string:one int64:1 \n", querycache.Database)
	if _, err := same.Exec(update, "new", 1); err != nil {
		t.Fatal(err)
	}
	for _, db := range []*sql.DB{full, noReset, same} {
		p.expect(ctx, db, one, "int64:1 string:new int64:2 \n", querycache.Database)
	}
}

// Two servers that look alike in all but what they say of themselves.
func TestServersShareNoRow(t *testing.T) {
	p := &plainDB{t}
	a, b := fakedriver.New(), fakedriver.New()
	ctx := context.Background()
	generic := newCache(t, querycache.Config{Session: func(context.Context) (string, bool) { return "", true }})
	first, second := p.cached(generic, a.Connector(fakedriver.Full)), p.cached(generic, b.Connector(fakedriver.Full))
	if _, err := second.Exec(update, "other", 1); err != nil {
		t.Fatal(err)
	}
	for _, from := range []querycache.Source{querycache.Database, querycache.Local} {
		p.expect(ctx, first, one, "int64:1 string:one int64:1 \n", from)
		p.expect(ctx, second, one, "int64:1 string:other int64:2 \n", from)
	}

	// In SQLite the server is the file.
	f := newFixture(t, nil)
	dsn := filepath.Join(t.TempDir(), "second.db")
	bare := open(t, "sqlite", dsn)
	f.exec(bare, "CREATE TABLE other (n INTEGER)")
	f.exec(bare, "INSERT INTO other VALUES (99)")
	db := f.connect(dsn)
	for _, from := range []querycache.Source{querycache.Database, querycache.Local} {
		p.expect(ctx, f.db, other, "int64:0 \n", from)
		p.expect(ctx, db, other, "int64:99 \n", from)
	}
	f.exec(db, "UPDATE other SET n = 98")
	p.expect(ctx, f.db, other, "int64:0 \n", querycache.Local)
	p.expect(ctx, db, other, "int64:98 \n", querycache.Database)
}

// A hook that sets a tenant is not seen, so nothing is cached until
// Config.Session says who asks.
func TestTenantsShareNoRow(t *testing.T) {
	p := &plainDB{t}
	srv := fakedriver.New()
	tenants := hooked{signedIn{srv.Connector(fakedriver.Full), ""}}
	query := func(db *sql.DB, who string, from querycache.Source) {
		t.Helper()
		p.expect(withTenant(who), db, tenant, fmt.Sprintf("string:%s \n", who), from)
	}

	db := p.cached(newCache(t, querycache.Config{Dialect: newAsking(), Namespace: "app"}), tenants)
	query(db, "", querycache.Database)
	for range 2 {
		for _, who := range []string{"ann", "bob"} {
			query(db, who, querycache.Database)
		}
	}
	ctx, res := querycache.WithResult(withTenant("ann"))
	if _, err := dump(ctx, db, tenant); err != nil || res.Reason() != querycache.ReasonSessionHook {
		t.Errorf("refused with %q, %v, want %q", res.Reason(), err, querycache.ReasonSessionHook)
	}

	said := newCache(t, querycache.Config{Dialect: newAsking(), Namespace: "app", Session: func(ctx context.Context) (string, bool) {
		who := tenantOf(ctx)
		return who, who != ""
	}})
	db = p.cached(said, tenants)
	for _, from := range []querycache.Source{querycache.Database, querycache.Local} {
		for _, who := range []string{"ann", "bob"} {
			query(db, who, from)
		}
	}
	query(db, "", querycache.Database)
	query(db, "", querycache.Database)
	// What one tenant writes invalidates the rows of all.
	if _, err := db.ExecContext(withTenant("ann"), update, "new", 1); err != nil {
		t.Fatal(err)
	}
	query(db, "bob", querycache.Database)
}
