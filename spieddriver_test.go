package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"

	modernc "modernc.org/sqlite"
)

// A spied driver is SQLite's, but a test looks on and may change what it
// answers.
type spied struct {
	// opened is called with each new connection.
	opened func()
	// did is called when text has been run, or "BEGIN" when a transaction has
	// begun; its error is returned instead of none.
	did func(text string) error
}

// spy opens a database through the fixture's cache and a spied driver.
func (f *fixture) spy(dsn string) (*sql.DB, *spied) {
	f.Helper()
	s := &spied{opened: func() {}, did: func(string) error { return nil }}
	connector, err := f.cache.Driver(s).(driver.DriverContext).OpenConnector(dsn)
	if err != nil {
		f.Fatal(err)
	}
	db := sql.OpenDB(connector)
	f.Cleanup(func() { db.Close() })
	return db, s
}

func (s *spied) Open(dsn string) (driver.Conn, error) {
	base, err := modernc.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := base.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	s.opened()
	return spiedConn{conn.(moderncConn), s}, nil
}

type moderncConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type spiedConn struct {
	moderncConn
	spied *spied
}

func (c spiedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.moderncConn.ExecContext(ctx, text, args)
	if err == nil {
		err = c.spied.did(text)
	}
	return res, err
}

func (c spiedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.moderncConn.BeginTx(ctx, opts)
	if err == nil {
		err = c.spied.did("BEGIN")
	}
	return tx, err
}
