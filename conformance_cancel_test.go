package querycache_test

import (
	"context"
	"strings"
	"testing/synctest"
	"time"
)

var cancelScenarios = []scenario{
	{name: "context ended before", cold: true, run: func(p *play) { endedBefore(p, byID) }},
	{name: "context ended before, never cached", run: func(p *play) { endedBefore(p, plainByID) }},
	{name: "cancelled while the query runs", run: func(p *play) {
		if !p.shape.Context() {
			return // cannot be interrupted
		}
		conn, tx := p.conn(), p.begin()
		// Each waits at an event of its own: an event happens once.
		for i, q := range []querier{p.db, conn, tx} {
			for j, text := range []string{hinted("sleep(#) FROM t"), "SELECT sleep(#)"} {
				name := string(rune('a' + 2*i + j))
				text = strings.Replace(text, "#", name, 1)
				ctx, cancel := context.WithCancel(ctx)
				go func() {
					<-p.srv.Event(name).Reached()
					cancel()
				}()
				p.queryContext(ctx, q, text)
				p.query(q, plain)
			}
		}
		p.err("conn", conn.Close())
		p.err("tx", tx.Rollback())
	}},
	{name: "too late while the query runs", run: func(p *play) {
		if !p.shape.Context() {
			return
		}
		for _, text := range []string{hinted("sleep(a) FROM t"), "SELECT sleep(b)"} {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			p.queryContext(ctx, p.db, text)
			cancel()
		}
		p.query(p.db, all)
	}},
	{name: "cancelled while rows are read", run: func(p *play) {
		ctx, cancel := context.WithCancel(ctx)
		rows, err := p.db.QueryContext(ctx, plain)
		p.err("query", err)
		p.say("next %v", rows.Next())
		cancel()
		synctest.Wait() // database/sql closes them
		p.say("next %v", rows.Next())
		p.err("rows", rows.Err())
		p.err("close", rows.Close())
		p.query(p.db, plain)
	}},
	{name: "cancelled while rows that may come from memory are read", run: func(p *play) {
		ctx, cancel := context.WithCancel(ctx)
		rows, err := p.db.QueryContext(ctx, three)
		p.err("query", err)
		p.say("next %v", rows.Next())
		cancel()
		synctest.Wait()
		p.say("next %v", rows.Next())
		p.err("rows", rows.Err())
		p.err("close", rows.Close())
		p.query(p.db, three)
	}},
	{name: "transaction cancelled", run: func(p *play) {
		p.query(p.db, byID, 1)
		ctx, cancel := context.WithCancel(ctx)
		tx, err := p.db.BeginTx(ctx, nil)
		p.err("begin", err)
		p.exec(tx, update, "never", 1)
		cancel()
		synctest.Wait() // database/sql rolls back
		p.exec(tx, update, "late", 1)
		p.query(tx, byID, 1)
		p.err("commit", tx.Commit())
		p.err("rollback", tx.Rollback())
		p.query(p.db, byID, 1)
		p.exec(p.db, update, "now", 1)
		p.query(p.db, byID, 1)
		p.table()
	}},
	{name: "transaction too late", run: func(p *play) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		tx, err := p.db.BeginTx(ctx, nil)
		p.err("begin", err)
		p.exec(tx, update, "never", 1)
		time.Sleep(time.Minute)
		p.err("commit", tx.Commit())
		p.query(p.db, byID, 1)
		p.table()
	}},
	{name: "write cancelled", run: func(p *play) {
		p.query(p.db, byID, 1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		p.execContext(ctx, p.db, update, "in time", 1)
		cancel()
		p.execContext(ctx, p.db, update, "late", 1)
		p.query(p.db, byID, 1)
		p.table()
	}},
}

func endedBefore(p *play, text string) {
	done, cancel := context.WithCancel(ctx)
	cancel()
	late, cancel := context.WithTimeout(ctx, -time.Second)
	defer cancel()
	stmt := p.prepare(p.db, text)
	open := p.begin()
	conn := p.conn()
	for _, ctx := range []context.Context{done, late} {
		for _, q := range []querier{p.db, open, conn} {
			p.queryContext(ctx, q, text, 1)
			p.execContext(ctx, q, update, "x", 1)
			_, err := q.PrepareContext(ctx, text)
			p.err("prepare", err)
		}
		_, err := stmt.QueryContext(ctx, 1)
		p.err("stmt", err)
		_, err = p.db.BeginTx(ctx, nil)
		p.err("begin", err)
		_, err = p.db.Conn(ctx)
		p.err("conn", err)
		p.err("ping", p.db.PingContext(ctx))
		p.err("ping", conn.PingContext(ctx))
	}
	p.query(conn, text, 1)
	p.query(open, text, 1)
	p.err("conn", conn.Close())
	p.err("commit", open.Commit())
	p.err("stmt", stmt.Close())
	p.table()
}
