package querycache_test

import (
	"database/sql"
	"database/sql/driver"

	"github.com/querycache/querycache/internal/fakedriver"
)

var stmtScenarios = []scenario{
	{name: "prepared", run: func(p *play) {
		for range 2 {
			read := p.prepare(p.db, byID)
			for _, id := range []int{1, 2, 9, 1} {
				rows, err := read.Query(id)
				p.rows("read", rows, err)
			}
			var id int
			p.err("row", read.QueryRow(2).Scan(&id, new(any), new(any)))
			p.err("no row", read.QueryRow(9).Scan(&id))
			write := p.prepare(p.db, update)
			res, err := write.Exec("written", 2)
			p.result("write", res, err)
			rows, err := read.Query(2)
			p.rows("read", rows, err)
			rows, err = write.Query("again", 2)
			p.rows("write by Query", rows, err)
			res, err = read.Exec(2)
			p.result("read by Exec", res, err)
			p.err("close", read.Close())
			p.err("close again", read.Close())
			_, err = read.Query(1)
			p.err("closed", err)
			_, err = read.Exec(1)
			p.err("closed", err)
			p.err("closed", read.QueryRow(1).Scan(&id))
			p.err("close", write.Close())
		}
	}},
	{name: "prepared, all kinds of answers", run: func(p *play) {
		for range 2 {
			for _, text := range []string{types, three, none, dup, sets, hinted("nocols FROM t"), hinted("error(2) FROM t"), hinted("fail"), insert + " RETURNING *", "SELECT ("} {
				stmt, err := p.db.Prepare(text)
				p.err(text, err)
				if err != nil {
					continue
				}
				for range 2 {
					var args []any
					if text == insert+" RETURNING *" {
						args = []any{77, "x"}
					}
					rows, err := stmt.Query(args...)
					p.rows("query", rows, err)
				}
				p.err("close", stmt.Close())
			}
		}
	}},
	{name: "prepared on many connections", run: func(p *play) {
		stmt := p.prepare(p.db, plainByID)
		read := p.prepare(p.db, byID)
		var held []*sql.Conn
		for range 3 {
			held = append(held, p.conn())
			for _, s := range []*sql.Stmt{stmt, read} {
				rows, err := s.Query(1)
				p.rows("query", rows, err)
			}
		}
		for _, c := range held {
			p.err("conn", c.Close())
		}
		rows, err := stmt.Query(2)
		p.rows("query", rows, err)
		p.err("close", stmt.Close())
		p.err("close", read.Close())
	}},
	{name: "prepared, two open at a time", run: func(p *play) {
		stmt := p.prepare(p.db, plain)
		a, err := stmt.Query()
		b, err2 := stmt.Query()
		if err != nil || err2 != nil {
			p.Fatal(err, err2)
		}
		p.say("next %v %v", a.Next(), b.Next())
		p.err("close with Rows open", stmt.Close())
		p.say("next %v %v", a.Next(), b.Next())
		p.err("close", a.Close())
		p.err("close", b.Close())
	}},
	{name: "prepared on a connection", run: func(p *play) {
		conn := p.conn()
		for range 2 {
			stmt := p.prepare(conn, byID)
			rows, err := stmt.Query(1)
			p.rows("query", rows, err)
			p.exec(conn, update, "changed", 1)
			rows, err = stmt.Query(1)
			p.rows("query", rows, err)
			p.err("close", stmt.Close())
		}
		stmt := p.prepare(conn, byID)
		p.err("conn", conn.Close())
		_, err := stmt.Query(1)
		p.err("after the connection", err)
		p.err("close", stmt.Close())
	}},
	{name: "prepared in a transaction", run: func(p *play) {
		outside := p.prepare(p.db, byID)
		tx := p.begin()
		inside := p.prepare(tx, update)
		res, err := inside.Exec("in tx", 1)
		p.result("update", res, err)
		for _, stmt := range []*sql.Stmt{tx.Stmt(outside), p.prepare(tx, byID)} {
			rows, err := stmt.Query(1)
			p.rows("own write", rows, err)
		}
		rows, err := outside.Query(1)
		p.rows("outside", rows, err)
		p.err("commit", tx.Commit())
		_, err = inside.Exec("late", 1)
		p.err("after commit", err)
		_, err = tx.Stmt(outside).Query(1)
		p.err("Tx.Stmt after commit", err)
		_, err = tx.Prepare(byID)
		p.err("Tx.Prepare after commit", err)
		rows, err = outside.Query(1)
		p.rows("outside", rows, err)
		p.err("close", inside.Close())
		p.err("close", outside.Close())
		tx = p.begin()
		_, err = tx.Stmt(outside).Query(1)
		p.err("Tx.Stmt of a closed one", err)
		p.err("rollback", tx.Rollback())
	}},
	{name: "prepared, then the database closed", run: func(p *play) {
		stmt := p.prepare(p.db, byID)
		rows, err := stmt.Query(1)
		p.rows("query", rows, err)
		p.err("db", p.db.Close())
		_, err = stmt.Query(1)
		p.err("query", err)
		p.err("close", stmt.Close())
	}},
	{name: "prepare fails", run: func(p *play) {
		for _, n := range []int{1, 2, 3} {
			for _, err := range []error{errTest, driver.ErrBadConn} {
				p.srv.Fail(fakedriver.OpPrepare, n, err)
				stmt, err := p.db.Prepare(plainByID)
				p.err("prepare", err)
				if err == nil {
					p.srv.Fail(fakedriver.OpPrepare, 0, nil)
					rows, err := stmt.Query(1)
					p.rows("query", rows, err)
					p.err("close", stmt.Close())
				}
				p.srv.Fail(fakedriver.OpPrepare, 0, nil)
			}
		}
	}},
	{name: "prepared statement on broken connections", run: func(p *play) {
		stmt := p.prepare(p.db, plainByID)
		for _, n := range []int{1, 2, 3, -1} {
			p.srv.Fail(fakedriver.OpStatement, n, driver.ErrBadConn)
			rows, err := stmt.Query(1)
			p.rows("query", rows, err)
			p.srv.Fail(fakedriver.OpStatement, n, driver.ErrBadConn)
			res, err := stmt.Exec(1)
			p.result("exec", res, err)
			p.srv.Fail(fakedriver.OpStatement, 0, nil)
		}
		p.err("close", stmt.Close())
	}},
	{name: "closing a statement fails", run: func(p *play) {
		p.srv.Fail(fakedriver.OpCloseStmt, -1, errTest)
		stmt := p.prepare(p.db, plainByID)
		rows, err := stmt.Query(1)
		p.rows("query", rows, err)
		p.query(p.db, plainByID, 1)
		p.exec(p.db, update, "x", 1)
		p.err("close", stmt.Close())
	}},
}

// prepare is for where preparing must succeed.
func (p *play) prepare(q querier, text string) *sql.Stmt {
	p.Helper()
	stmt, err := q.PrepareContext(ctx, text)
	if err != nil {
		p.Fatal(err)
	}
	return stmt
}
