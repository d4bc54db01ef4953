package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/querycache/querycache/internal/fakedriver"
)

var connScenarios = []scenario{
	{name: "connection", run: func(p *play) {
		for range 2 {
			conn := p.conn()
			p.query(conn, all)
			p.exec(conn, update, "by conn", 1)
			p.query(conn, byID, 1)
			p.query(p.db, byID, 1)
			p.err("ping", conn.PingContext(ctx))
			p.err("close", conn.Close())
			p.err("close again", conn.Close())
			_, err := conn.QueryContext(ctx, all)
			p.err("query after", err)
			_, err = conn.ExecContext(ctx, update, "x", 1)
			p.err("exec after", err)
			_, err = conn.BeginTx(ctx, nil)
			p.err("begin after", err)
			p.err("ping after", conn.PingContext(ctx))
			p.err("raw after", conn.Raw(func(any) error { return nil }))
		}
	}},
	{name: "broken connection", run: func(p *play) {
		for _, use := range []func(*sql.Conn){
			func(c *sql.Conn) { p.query(c, plain) },
			func(c *sql.Conn) { p.exec(c, update, "x", 1) },
			func(c *sql.Conn) { _, err := c.PrepareContext(ctx, plain); p.err("prepare", err) },
			func(c *sql.Conn) { _, err := c.BeginTx(ctx, nil); p.err("begin", err) },
			func(c *sql.Conn) { p.err("ping", c.PingContext(ctx)) },
		} {
			conn := p.conn()
			p.query(conn, all)
			for _, op := range []fakedriver.Op{fakedriver.OpStatement, fakedriver.OpPrepare, fakedriver.OpBegin, fakedriver.OpPing} {
				p.srv.Fail(op, 1, driver.ErrBadConn)
			}
			use(conn)
			for _, op := range []fakedriver.Op{fakedriver.OpStatement, fakedriver.OpPrepare, fakedriver.OpBegin, fakedriver.OpPing} {
				p.srv.Fail(op, 0, nil)
			}
			p.query(conn, plain)
			p.exec(conn, update, "y", 1)
			p.err("ping", conn.PingContext(ctx))
			p.err("close", conn.Close())
			p.query(p.db, plain)
		}
	}},
	{name: "failing connection", run: func(p *play) {
		conn := p.conn()
		p.srv.Fail(fakedriver.OpStatement, 1, errTest)
		p.query(conn, plain)
		p.query(conn, plain)
		p.srv.Fail(fakedriver.OpPing, 1, errTest)
		p.err("ping", conn.PingContext(ctx))
		p.err("ping", conn.PingContext(ctx))
		p.err("close", conn.Close())
	}},
	{name: "raw", run: func(p *play) {
		conn := p.conn()
		p.err("raw", conn.Raw(func(any) error { return nil }))
		p.err("raw fails", conn.Raw(func(any) error { return errTest }))
		p.query(conn, all)
		p.err("raw breaks", conn.Raw(func(any) error { return driver.ErrBadConn }))
		p.query(conn, all)
		p.err("close", conn.Close())
		conn = p.conn()
		p.try("raw", func() { conn.Raw(func(any) error { panic("in Raw") }) })
		p.query(conn, all)
		p.err("close", conn.Close())
	}},
	{name: "state of a session", run: func(p *play) {
		p.db.SetMaxOpenConns(1)
		for _, who := range []string{"a", "b", "a"} {
			p.query(p.db, tenant)
			p.exec(p.db, "SET tenant = ?", who)
			p.query(p.db, tenant)
			p.query(p.db, all)
			conn := p.conn()
			p.query(conn, tenant)
			p.exec(conn, "SET tenant = 'conn'")
			p.query(conn, tenant)
			p.err("close", conn.Close())
			p.query(p.db, tenant)
		}
	}},
	{name: "state of two sessions", run: func(p *play) {
		a, b := p.conn(), p.conn()
		p.exec(a, "SET tenant = 'a'")
		p.exec(b, "SET tenant = 'b'")
		for range 2 {
			p.query(a, tenant)
			p.query(b, tenant)
			p.query(p.db, tenant)
		}
		p.err("close", a.Close())
		p.query(b, tenant)
		p.err("close", b.Close())
	}},
	{name: "state of a session in a transaction", run: func(p *play) {
		p.db.SetMaxOpenConns(1)
		tx := p.begin()
		p.exec(tx, "SET tenant = 'tx'")
		p.query(tx, tenant)
		p.err("commit", tx.Commit())
		p.query(p.db, tenant)
		p.query(p.db, tenant)
	}},
}

var poolScenarios = []scenario{
	{name: "retries", run: func(p *play) {
		for _, n := range []int{1, 2, 3, -1} {
			for _, idle := range []int{0, 1, 3} {
				p.idle(idle)
				retried := func(what string, op fakedriver.Op, f func()) {
					p.say("%s, %d times with %d idle", what, n, idle)
					p.srv.Fail(op, n, driver.ErrBadConn)
					f()
					p.srv.Fail(op, 0, nil)
				}
				retried("query", fakedriver.OpStatement, func() { p.query(p.db, plain) })
				retried("write", fakedriver.OpStatement, func() { p.exec(p.db, update, "x", 1) })
				retried("begin", fakedriver.OpBegin, func() {
					tx, err := p.db.Begin()
					p.err("begin", err)
					if err == nil {
						p.err("rollback", tx.Rollback())
					}
				})
				retried("prepare", fakedriver.OpPrepare, func() {
					stmt, err := p.db.Prepare("SELECT * FROM u")
					p.err("prepare", err)
					if err == nil {
						p.err("close", stmt.Close())
					}
				})
			}
		}
		p.table()
	}},
	{name: "reset and validity", run: func(p *play) {
		for _, op := range []fakedriver.Op{fakedriver.OpReset, fakedriver.OpValid} {
			for _, err := range []error{errTest, driver.ErrBadConn} {
				for _, n := range []int{1, 2, 3} {
					p.idle(2)
					p.srv.Fail(op, n, err)
					p.query(p.db, plain)
					p.exec(p.db, update, "x", 1)
					tx, err := p.db.Begin()
					p.err("begin", err)
					if err == nil {
						p.query(tx, byID, 1)
						p.err("commit", tx.Commit())
					}
					p.srv.Fail(op, 0, nil)
				}
			}
		}
	}},
	{name: "no connection to be had", cold: true, run: func(p *play) {
		for _, err := range []error{errTest, driver.ErrBadConn} {
			p.srv.Fail(fakedriver.OpConnect, -1, err)
			p.query(p.db, all)
			p.query(p.db, plain)
			p.exec(p.db, update, "x", 1)
			_, err := p.db.Begin()
			p.err("begin", err)
			_, err = p.db.Prepare(plain)
			p.err("prepare", err)
			_, err = p.db.Conn(ctx)
			p.err("conn", err)
			p.err("ping", p.db.Ping())
		}
		p.srv.Fail(fakedriver.OpConnect, 0, nil)
		p.query(p.db, all)
		p.table()
	}},
	{name: "no connection to be had any more", run: func(p *play) {
		p.query(p.db, "SELECT * FROM u")
		p.db.SetMaxIdleConns(0)
		for _, err := range []error{errTest, driver.ErrBadConn} {
			p.srv.Fail(fakedriver.OpConnect, -1, err)
			p.query(p.db, plain)
			p.exec(p.db, update, "x", 1)
			_, err := p.db.Begin()
			p.err("begin", err)
			_, err = p.db.Prepare(plain)
			p.err("prepare", err)
			p.err("ping", p.pingable(p.db.Ping()))
		}
		p.srv.Fail(fakedriver.OpConnect, 0, nil)
		p.query(p.db, plain)
	}},
	{name: "pool of one", run: func(p *play) {
		p.db.SetMaxOpenConns(1)
		conn := p.conn()
		late, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		p.queryContext(late, p.db, all)
		p.execContext(late, p.db, update, "x", 1)
		p.err("close", conn.Close())
		p.query(p.db, all)
		tx := p.begin()
		_, err := p.db.BeginTx(late, nil)
		p.err("begin", err)
		p.err("rollback", tx.Rollback())
		p.say("open %d, waited for %d times", p.db.Stats().OpenConnections, p.db.Stats().WaitCount)
	}},
	{name: "idle connections are closed", run: func(p *play) {
		for _, set := range []func(){
			func() { p.db.SetConnMaxIdleTime(time.Second) },
			func() { p.db.SetConnMaxLifetime(time.Second) },
			func() { p.db.SetMaxIdleConns(-1) },
		} {
			p.idle(2)
			set()
			p.query(p.db, plain)
			p.exec(p.db, update, "x", 1)
			time.Sleep(time.Minute)
			p.say("%d connections open", p.srv.Open())
			p.query(p.db, plain)
			time.Sleep(time.Minute)
			p.say("%d connections open", p.srv.Open())
			p.db.SetConnMaxIdleTime(0)
			p.db.SetConnMaxLifetime(0)
			p.db.SetMaxIdleConns(2)
		}
	}},
	{name: "closed with work under way", run: func(p *play) {
		p.query(p.db, all)
		conn := p.conn()
		tx := p.begin()
		p.exec(tx, update, "in tx", 1)
		rows, err := p.db.Query(plain)
		p.err("query", err)
		p.err("db", p.db.Close())
		p.say("next %v", rows.Next())
		p.err("rows", rows.Close())
		p.query(conn, plain)
		p.err("conn", conn.Close())
		p.err("commit", tx.Commit())
		p.table()
		p.query(p.db, all)
		p.exec(p.db, update, "late", 1)
		_, err = p.db.Begin()
		p.err("begin", err)
		p.err("ping", p.db.Ping())
	}},
}

// idle leaves that many connections idle.
func (p *play) idle(n int) {
	p.Helper()
	p.db.SetMaxIdleConns(-1) // closes those there are
	p.db.SetMaxIdleConns(max(n, 1))
	held := make([]*sql.Tx, n)
	for i := range held {
		held[i] = p.begin() // needs a real connection
	}
	for _, tx := range held {
		p.err("rollback", tx.Rollback())
	}
}

// pingable is nil for the shapes that have nothing to ping: database/sql then
// only asks for a connection, which a layer in between may have.
func (p *play) pingable(err error) error {
	if !p.shape.Context() {
		return nil
	}
	return err
}
