package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"path/filepath"
	"testing"

	"github.com/querycache/querycache/dialect"
)

// A database is a real one, with one connection.
type database struct {
	*sql.Conn
	t    testing.TB
	path string
}

// open opens a database in a file of its own and runs the schema.
func open(t testing.TB, schema string) *database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	return openDSN(t, path, schema)
}

func openDSN(t testing.TB, dsn, schema string) *database {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
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
	d := &database{conn, t, dsn}
	d.exec(schema)
	return d
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

func (d *database) rows(text string) (rows [][]driver.Value) {
	d.t.Helper()
	d.raw(func(c driver.Conn) (err error) {
		rows, err = dialect.Query(context.Background(), c, text)
		return err
	})
	return rows
}

func (d *database) probe() (server dialect.Server, session dialect.Session) {
	d.t.Helper()
	d.raw(func(c driver.Conn) (err error) {
		server, session, err = Dialect().(dialect.Prober).Probe(context.Background(), c)
		return err
	})
	return server, session
}

func (d *database) load() (c dialect.Catalog) {
	d.t.Helper()
	d.raw(func(conn driver.Conn) (err error) {
		c, err = Dialect().(dialect.Prober).Load(context.Background(), conn)
		return err
	})
	return c
}

// openDriver is like open, through a driver with functions of its own.
func openDriver(t testing.TB, d driver.Driver, schema string) *database {
	t.Helper()
	db := sql.OpenDB(driverConnector{d, filepath.Join(t.TempDir(), "test.db")})
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		db.Close()
	})
	o := &database{conn, t, ""}
	o.exec(schema)
	return o
}

type driverConnector struct {
	d   driver.Driver
	dsn string
}

func (c driverConnector) Connect(context.Context) (driver.Conn, error) { return c.d.Open(c.dsn) }
func (c driverConnector) Driver() driver.Driver                        { return c.d }
