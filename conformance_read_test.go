package querycache_test

import (
	"database/sql"
	"fmt"
)

var readScenarios = []scenario{
	{name: "query", run: func(p *play) {
		for range 2 {
			p.query(p.db, all)
			p.query(p.db, byID, 1)
			p.query(p.db, byID, 9)
			p.query(p.db, hinted("* FROM t WHERE id = 3"))
			p.query(p.db, plain)
			p.query(p.db, "SELECT * FROM u")
		}
	}},
	{name: "query row", run: func(p *play) {
		for range 2 {
			var id, version int64
			var v sql.NullString
			p.err("found", p.db.QueryRow(byID, 1).Scan(&id, &v, &version))
			p.say("%d %v %d", id, v, version)
			p.err("null", p.db.QueryRow(byID, 3).Scan(&id, &v, &version))
			p.say("%d %v %d", id, v, version)
			p.err("no row", p.db.QueryRow(byID, 9).Scan(&id, &v, &version))
			p.err("too few", p.db.QueryRow(byID, 1).Scan(&id))
			p.err("type", p.db.QueryRow(byID, 1).Scan(&id, &version, &v))
			p.err("null into int", p.db.QueryRow(byID, 3).Scan(&id, &version, &version))
			p.err("first of many", p.db.QueryRow(all).Scan(&id, &v, &version))
			p.err("no columns", p.db.QueryRow(hinted("nocols FROM t")).Scan())
			p.err("failed", p.db.QueryRow(hinted("error(0) FROM t")).Scan(&id, &v))
			row := p.db.QueryRow(byID, 9)
			p.err("Row.Err", row.Err())
			p.err("Row.Scan", row.Scan(&id, &v, &version))
		}
	}},
	{name: "every type", run: func(p *play) {
		for range 2 {
			p.query(p.db, types)
		}
	}},
	{name: "column types", run: func(p *play) {
		for _, text := range []string{types, all, none, dup, sets, hinted("nocols FROM t"), plain} {
			for range 2 {
				columnTypes(p, text)
			}
		}
	}},
	{name: "raw bytes", run: func(p *play) {
		for range 2 {
			rows, err := p.db.Query(three)
			if err != nil {
				p.Fatal(err)
			}
			var id, raw sql.RawBytes
			for rows.Next() {
				p.err("scan", rows.Scan(&id, &raw))
				p.say("%s %s", id, raw)
			}
			p.err("end", rows.Err())
		}
	}},
	{name: "bytes are the caller's", run: func(p *play) {
		for range 3 {
			rows, err := p.db.Query(three)
			if err != nil {
				p.Fatal(err)
			}
			var kept [][]byte
			var values []any
			for rows.Next() {
				var id int
				var b []byte
				p.err("scan", rows.Scan(&id, &b))
				var v any
				p.err("scan", rows.Scan(&id, &v))
				kept, values = append(kept, b), append(values, v)
			}
			p.err("close", rows.Close())
			p.say("%s %s", kept, values)
			for i, b := range kept {
				copy(b, "spoilt")
				copy(values[i].([]byte), "spoilt")
			}
		}
	}},
	{name: "scanner", run: func(p *play) {
		for range 2 {
			var got scanned
			rows, err := p.db.Query(three)
			if err != nil {
				p.Fatal(err)
			}
			for rows.Next() {
				p.err("scan", rows.Scan(&got, &got))
			}
			p.say("%v", got)
		}
	}},
	{name: "early close", run: func(p *play) {
		for range 2 {
			rows, err := p.db.Query(three)
			if err != nil {
				p.Fatal(err)
			}
			p.err("scan before Next", rows.Scan(new(any), new(any)))
			p.say("next %v", rows.Next())
			p.row(rows)
			p.err("close", rows.Close())
			p.say("next %v, set %v", rows.Next(), rows.NextResultSet())
			p.err("scan", rows.Scan(new(any), new(any)))
			_, err = rows.Columns()
			p.err("columns", err)
			_, err = rows.ColumnTypes()
			p.err("column types", err)
			p.err("rows", rows.Err())
			p.err("close again", rows.Close())
			p.query(p.db, three)
		}
	}},
	{name: "errors", run: func(p *play) {
		for _, what := range []string{"error(0) FROM t", "error(1) FROM t", "error(3) FROM t", "fail FROM t", "what FROM t", "* FROM nowhere", "((("} {
			for range 2 {
				p.query(p.db, hinted(what))
				p.query(p.db, "SELECT "+what)
				p.exec(p.db, hinted(what))
			}
		}
		p.query(p.db, "")
		p.exec(p.db, "-- nothing")
	}},
	{name: "result sets", run: func(p *play) {
		for range 2 {
			p.query(p.db, sets)
			p.query(p.db, "SELECT sets")
			for _, text := range []string{sets, three} {
				rows, err := p.db.Query(text)
				if err != nil {
					p.Fatal(err)
				}
				p.say("next %v, set %v, next %v", rows.Next(), rows.NextResultSet(), rows.Next())
				p.say("set %v", rows.NextResultSet())
				p.err("rows", rows.Err())
				p.err("close", rows.Close())
			}
		}
	}},
	{name: "empty", run: func(p *play) {
		for range 2 {
			p.query(p.db, none)
			p.query(p.db, hinted("nocols FROM t"))
			p.query(p.db, dup)
			p.query(p.db, hinted("rows(0) FROM t"))
		}
	}},
	{name: "large", run: func(p *play) {
		for range 2 {
			p.query(p.db, "SELECT /* cache: ttl=1m tables=t max_rows=4 */ rows(4)")
			p.query(p.db, "SELECT /* cache: ttl=1m tables=t max_rows=4 */ rows(5)")
			p.query(p.db, "SELECT /* cache: ttl=1m tables=t max_rows=4 */ error(6)")
			p.query(p.db, "SELECT /* cache: ttl=1m tables=t max_bytes=100 */ rows(9)")
			p.query(p.db, "SELECT /* cache: ttl=1m tables=t max_rows=1 */ sets")
			columnTypes(p, "SELECT /* cache: ttl=1m tables=t max_rows=4 */ rows(5)")
		}
		rows, err := p.db.Query("SELECT /* cache: ttl=1m tables=t max_rows=2 */ rows(5) FROM t")
		if err != nil {
			p.Fatal(err)
		}
		for i := 0; i < 4 && rows.Next(); i++ {
			p.row(rows)
		}
		p.err("early close in the live part", rows.Close())
	}},
	{name: "hints", run: func(p *play) {
		for range 2 {
			p.query(p.db, "SELECT /* cache: ttl=never */ * FROM t")
			p.query(p.db, "SELECT /* cache: off */ * FROM t")
			p.query(p.db, "SELECT /* cache: refresh ttl=1m tables=t */ * FROM t")
			p.query(p.db, "SELECT * FROM t -- cache: ttl=1m tables=t")
			p.exec(p.db, "UPDATE /* cache: ttl=1m tables=t */ t SET v = 'x' WHERE id = 1")
			p.query(p.db, all)
		}
	}},
	{name: "write by Query, read by Exec", run: func(p *play) {
		p.query(p.db, insert, 10, "ten")
		p.query(p.db, all)
		p.query(p.db, insert+" RETURNING *", 11, "eleven")
		p.query(p.db, all)
		var id int
		p.err("row", p.db.QueryRow("UPDATE t SET v = 'new' RETURNING *").Scan(&id, new(any), new(any)))
		rows, err := p.db.Query("UPDATE t SET v = 'newer' RETURNING *")
		if err != nil {
			p.Fatal(err)
		}
		p.say("next %v", rows.Next())
		p.query(p.db, all)
		p.say("next %v", rows.Next())
		p.err("close", rows.Close())
		p.query(p.db, all)
		p.exec(p.db, all)
		p.exec(p.db, byID, 2)
		p.query(p.db, insert+" RETURNING *", 11, "twice")
		p.table()
	}},
	{name: "read your writes", run: func(p *play) {
		for i := range 3 {
			p.query(p.db, byID, 1)
			p.exec(p.db, update, fmt.Sprint("v", i), 1)
			p.query(p.db, byID, 1)
			p.query(p.db, all)
			p.exec(p.db, insert, 20+i, nil)
			p.query(p.db, all)
			p.exec(p.db, insert, 20+i, "twice")
			p.exec(p.db, "DELETE FROM t WHERE id = ?", 20+i)
			p.query(p.db, all)
		}
		p.exec(p.db, "DELETE FROM t")
		p.query(p.db, all)
		p.query(p.db, byID, 1)
	}},
	{name: "two Rows at a time", run: func(p *play) {
		tx := p.begin()
		for _, q := range []querier{p.db, tx} {
			a, err := q.QueryContext(ctx, three)
			b, err2 := q.QueryContext(ctx, all)
			if err != nil || err2 != nil {
				p.Fatal(err, err2)
			}
			for a.Next() && b.Next() {
				p.row(a)
				p.row(b)
			}
			p.err("close", a.Close())
			p.err("close", b.Close())
		}
		p.err("commit", tx.Commit())
	}},
}

// columnTypes notes all that is known of the columns, before and after the
// first row.
func columnTypes(p *play, text string) {
	rows, err := p.db.Query(text)
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	for {
		for range 2 {
			list, err := rows.ColumnTypes()
			p.err("column types", err)
			for _, c := range list {
				length, hasLength := c.Length()
				nullable, hasNullable := c.Nullable()
				precision, scale, hasScale := c.DecimalSize()
				p.say("%s: %s %v, length %d %v, null %v %v, decimal %d %d %v", c.Name(), c.DatabaseTypeName(),
					c.ScanType(), length, hasLength, nullable, hasNullable, precision, scale, hasScale)
			}
			p.say("next %v", rows.Next())
		}
		if !rows.NextResultSet() {
			return
		}
	}
}

// scanned is a Scanner that notes what it is given.
type scanned []string

// Scan implements sql.Scanner.
func (s *scanned) Scan(v any) error {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	*s = append(*s, fmt.Sprintf("%T %v", v, v))
	return nil
}
