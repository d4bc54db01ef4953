package querycache_test

import (
	"database/sql"
	"database/sql/driver"

	"github.com/querycache/querycache/internal/fakedriver"
)

var txScenarios = []scenario{
	{name: "commit and rollback", run: func(p *play) {
		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
			p.query(p.db, byID, 1)
			tx := p.begin()
			p.query(tx, byID, 1)
			p.exec(tx, update, "in tx", 1)
			p.query(tx, byID, 1)
			p.query(tx, all)
			p.query(p.db, byID, 1)
			p.exec(tx, insert, 30, "thirty")
			p.query(tx, insert+" RETURNING *", 31, "thirty-one")
			p.query(p.db, all)
			p.err("end", end(tx))
			p.query(p.db, byID, 1)
			p.query(p.db, all)
			p.err("commit again", tx.Commit())
			p.err("roll back again", tx.Rollback())
			_, err := tx.Query(all)
			p.err("query after", err)
			_, err = tx.Exec(update, "late", 1)
			p.err("exec after", err)
			p.exec(p.db, "DELETE FROM t WHERE id = 30")
			p.exec(p.db, "DELETE FROM t WHERE id = 31")
		}
		p.ends()
		p.table()
	}},
	{name: "transaction options", run: func(p *play) {
		for level := sql.LevelDefault; level <= sql.LevelLinearizable+1; level++ {
			for _, readOnly := range []bool{false, true} {
				tx, err := p.db.BeginTx(ctx, &sql.TxOptions{Isolation: level, ReadOnly: readOnly})
				p.err(level.String(), err)
				if err != nil {
					continue
				}
				p.query(tx, all)
				p.exec(tx, update, "x", 1)
				p.query(tx, byID, 1)
				p.err("commit", tx.Commit())
			}
		}
		p.say("begun with %v", p.srv.Begins())
		p.query(p.db, byID, 1)
	}},
	{name: "transaction of a connection", run: func(p *play) {
		conn := p.conn()
		tx, err := conn.BeginTx(ctx, nil)
		p.err("begin", err)
		p.exec(conn, update, "beside", 2) // on the same connection, so in it
		p.exec(tx, update, "in tx", 1)
		p.query(conn, all)
		p.query(p.db, all)
		p.err("rollback", tx.Rollback())
		p.query(conn, all)
		p.err("close", conn.Close())
	}},
	{name: "commit fails", run: func(p *play) {
		for _, err := range []error{errTest, driver.ErrBadConn} {
			for _, fail := range []func(fakedriver.Op, int, error){p.srv.Fail, p.srv.FailAfter} {
				p.query(p.db, byID, 1)
				tx := p.begin()
				p.exec(tx, update, "perhaps", 1)
				fail(fakedriver.OpCommit, 1, err)
				p.err("commit", tx.Commit())
				p.err("again", tx.Commit())
				p.query(p.db, byID, 2)
				p.table()
			}
		}
	}},
	{name: "unknown outcome", run: func(p *play) {
		p.query(p.db, byID, 1)
		p.srv.FailAfter(fakedriver.OpExec, 1, errTest)
		p.exec(p.db, update, "done all the same", 1)
		p.query(p.db, byID, 1)
		p.srv.FailAfter(fakedriver.OpQuery, 1, errTest)
		p.query(p.db, "UPDATE t SET v = 'done by Query' WHERE id = 1 RETURNING *")
		p.query(p.db, byID, 1)
	}},
	{name: "begin fails", run: func(p *play) {
		for _, n := range []int{1, 2, 3} {
			for _, err := range []error{errTest, driver.ErrBadConn} {
				p.srv.Fail(fakedriver.OpBegin, n, err)
				tx, err := p.db.Begin()
				p.err("begin", err)
				p.srv.Fail(fakedriver.OpBegin, 0, nil)
				if err == nil {
					p.query(tx, all)
					p.err("rollback", tx.Rollback())
				}
			}
		}
	}},
	{name: "rollback fails", run: func(p *play) {
		for _, err := range []error{errTest, driver.ErrBadConn} {
			tx := p.begin()
			p.exec(tx, update, "x", 1)
			p.srv.Fail(fakedriver.OpRollback, 1, err)
			p.err("rollback", tx.Rollback())
		}
	}},
	{name: "statements of a transaction fail", run: func(p *play) {
		for _, err := range []error{errTest, driver.ErrBadConn} {
			tx := p.begin()
			p.exec(tx, update, "before", 1)
			p.srv.Fail(fakedriver.OpStatement, 1, err)
			p.exec(tx, update, "failed", 1)
			p.query(tx, byID, 1)
			p.srv.Fail(fakedriver.OpStatement, 1, err)
			p.query(tx, byID, 1)
			p.query(tx, hinted("error(1) FROM t"))
			p.exec(tx, insert, 1, "twice")
			p.err("commit", tx.Commit())
			p.query(p.db, byID, 1)
		}
	}},
	{name: "Rows open at the end", run: func(p *play) {
		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
			tx := p.begin()
			rows, err := tx.Query(all)
			p.err("query", err)
			p.say("next %v", rows.Next())
			p.err("end", end(tx))
			p.say("next %v", rows.Next())
			p.err("rows", rows.Err())
			p.err("close", rows.Close())
		}
	}},
	{name: "transaction by text on a pool of one", run: func(p *play) {
		p.db.SetMaxOpenConns(1)
		for _, end := range []string{"COMMIT", "ROLLBACK"} {
			p.query(p.db, all)
			p.exec(p.db, "BEGIN")
			p.query(p.db, byID, 1)
			p.exec(p.db, insert, 40, "forty")
			p.query(p.db, all)
			p.exec(p.db, "BEGIN")
			tx, err := p.db.Begin()
			p.err("begin", err)
			if err == nil {
				p.err("rollback", tx.Rollback())
			}
			p.exec(p.db, end)
			p.query(p.db, all)
			p.exec(p.db, end)
			p.table()
			p.exec(p.db, "DELETE FROM t WHERE id = 40")
		}
		p.exec(p.db, "BEGIN")
		p.exec(p.db, insert, 41, "never committed")
		p.ends()
	}},
	{name: "transaction by text on a connection", run: func(p *play) {
		conn := p.conn()
		p.query(conn, all)
		p.exec(conn, "BEGIN")
		p.exec(conn, insert, 50, "fifty")
		p.query(conn, all)
		p.query(p.db, all)
		p.exec(conn, "COMMIT")
		p.query(conn, all)
		p.query(p.db, all)
		p.exec(conn, "BEGIN")
		p.exec(conn, "DELETE FROM t")
		p.err("close", conn.Close())
		p.table()
	}},
	{name: "transaction ended by text", run: func(p *play) {
		for _, end := range []string{"COMMIT", "ROLLBACK"} {
			p.query(p.db, byID, 1)
			tx := p.begin()
			p.exec(tx, update, "by text", 1)
			p.exec(tx, end)
			p.query(p.db, byID, 1)
			p.exec(tx, update, "outside", 2)
			p.query(p.db, byID, 2)
			p.err("commit", tx.Commit())
			p.query(p.db, all)
		}
		p.table()
	}},
}

// ends notes how transactions were ended.
func (p *play) ends() {
	p.count("commits", fakedriver.OpCommit)
	p.count("rollbacks", fakedriver.OpRollback)
	p.count("executions", fakedriver.OpExec)
}
