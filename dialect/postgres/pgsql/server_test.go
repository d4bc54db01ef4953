package pgsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/testserver"
)

// A database is a real one, with one connection.
type database struct {
	*sql.Conn
	t   testing.TB
	dsn string
}

// open makes a database of its own and runs the schema.
func open(t testing.TB, schema string) *database {
	t.Helper()
	dsn := testserver.Postgres(t)
	d := connect(t, "pgx", dsn)
	d.exec(schema)
	return d
}

func connect(t testing.TB, name, dsn string) *database {
	t.Helper()
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		db.Close()
	})
	return &database{conn, t, dsn}
}

func (d *database) exec(text string) {
	d.t.Helper()
	if _, err := d.ExecContext(context.Background(), text); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
}

// raw runs f with the driver's connection.
func (d *database) raw(f func(driver.Conn) error) {
	d.t.Helper()
	if err := d.Raw(func(c any) error { return f(c.(driver.Conn)) }); err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) probe() (server dialect.Server, session dialect.Session) {
	d.t.Helper()
	d.raw(func(c driver.Conn) (err error) {
		server, session, err = Dialect{}.Probe(context.Background(), c)
		return err
	})
	return server, session
}

// ask probes with the values of settings.
func (d *database) ask(names ...string) (session dialect.Session) {
	d.t.Helper()
	d.raw(func(c driver.Conn) (err error) {
		_, session, err = Dialect{}.ProbeSettings(context.Background(), c, names)
		return err
	})
	return session
}

func (d *database) load() (c dialect.Catalog) {
	d.t.Helper()
	d.raw(func(conn driver.Conn) (err error) {
		c, err = Dialect{}.Load(context.Background(), conn)
		return err
	})
	return c
}
