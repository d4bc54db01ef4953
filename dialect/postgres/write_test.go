package postgres_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
)

const (
	books   = "SELECT id, title, price FROM books ORDER BY id"
	authors = "SELECT * FROM authors ORDER BY id"
	shelf   = "SELECT * FROM shelf ORDER BY title"
	totals  = "SELECT * FROM totals ORDER BY author"
	other   = "SELECT n FROM other ORDER BY n"
	events  = "SELECT * FROM events ORDER BY at"
	leaf    = "SELECT * FROM events_26"
	parent  = "SELECT a FROM parent ORDER BY a"
	audit   = "SELECT count(*) FROM audit"
	pets    = "SELECT count(*) FROM pets"
)

var everyRead = []string{books, authors, shelf, totals, other, events, leaf, parent, audit, pets}

// Every way to write, and which reads it has to reach. After it each read shows
// what the database holds; those that are not named still come from memory.
func TestFresh(t *testing.T) {
	tests := []struct {
		name, write string
		args        []any
		reaches     []string // nil: everything
	}{
		{"insert", "INSERT INTO books VALUES (10, 'Eden', 2, 1)", nil, []string{books, shelf}},
		{"insert select", "INSERT INTO other SELECT id FROM books", nil, []string{other}},
		{"insert default values", "INSERT INTO other DEFAULT VALUES", nil, []string{other}},
		{"update", "UPDATE books SET title = $1 WHERE id = $2", []any{"New", 1}, []string{books, shelf}},
		{"update from", "UPDATE books b SET title = a.name FROM authors a WHERE a.id = b.author", nil, []string{books, shelf}},
		{"update of nothing", "UPDATE other SET n = 1 WHERE false", nil, []string{other}},
		{"delete", "DELETE FROM books WHERE id = 1", nil, []string{books, shelf}},
		{"delete using", "DELETE FROM books USING authors a WHERE a.id = author AND a.name = 'Lem'", nil, []string{books, shelf}},
		{"upsert", "INSERT INTO authors VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name", nil, []string{authors, shelf}},
		{"merge", "MERGE INTO other o USING (VALUES (5)) v(n) ON o.n = v.n WHEN NOT MATCHED THEN INSERT VALUES (v.n)", nil, []string{other}},
		{"writable CTE", "WITH gone AS (DELETE FROM books WHERE id = 1 RETURNING id) INSERT INTO other SELECT id FROM gone", nil, []string{books, shelf, other}},
		{"select over a writable CTE", "WITH w AS (UPDATE other SET n = 3 RETURNING n) SELECT * FROM w", nil, []string{other}},
		{"qualified", `UPDATE "public"."other" SET n = 9`, nil, []string{other}},
		{"into a partition", "INSERT INTO events VALUES ('2026-07-07', 'c')", nil, []string{events, leaf}},
		{"into a leaf", "INSERT INTO events_25 VALUES ('2025-07-07', 'c')", nil, []string{events, leaf}},
		{"into a child", "INSERT INTO kid VALUES (7)", nil, []string{parent}},
		{"of a parent", "UPDATE parent SET a = 8", nil, []string{parent}},
		{"truncate", "TRUNCATE other", nil, []string{other}},
		{"truncate cascade", "TRUNCATE authors CASCADE", nil, []string{authors, books, shelf}},
		{"refresh", "REFRESH MATERIALIZED VIEW totals", nil, []string{totals}},
		{"trigger", "INSERT INTO audited VALUES (3)", nil, nil},
		{"foreign key", "DELETE FROM owners", nil, []string{pets}},
		{"function", "SELECT bump()", nil, nil},
		{"function in a read", "SELECT title, bump() FROM books", nil, nil},
		{"do", "DO $$ BEGIN UPDATE other SET n = 77; END $$", nil, nil},
		{"call", "CALL bump_all()", nil, nil},
		{"explain analyze", "EXPLAIN ANALYZE UPDATE other SET n = 5", nil, []string{other}},
		{"simple protocol, several statements", "UPDATE other SET n = 6; UPDATE authors SET name = 'y' WHERE id = 1", []any{pgx.QueryExecModeSimpleProtocol}, []string{other, authors, shelf}},
		{"several with transaction control", "BEGIN; UPDATE other SET n = 6; COMMIT", []any{pgx.QueryExecModeSimpleProtocol}, nil},
		{"rename", "ALTER TABLE other RENAME TO other_old; CREATE TABLE other (n int); INSERT INTO other VALUES (42)", []any{pgx.QueryExecModeSimpleProtocol}, nil},
		{"add a column", "ALTER TABLE authors ADD COLUMN born int DEFAULT 1921", nil, nil},
		{"redefine a view", "CREATE OR REPLACE VIEW shelf AS SELECT title, upper(title) AS name FROM books", nil, nil},
		{"set schema", "CREATE SCHEMA away; ALTER TABLE other SET SCHEMA away; CREATE TABLE other (n int)", []any{pgx.QueryExecModeSimpleProtocol}, nil},
		{"text that rewrites itself", "SELECT 1", []any{rewriter("UPDATE other SET n = 55")}, nil},
	}
	f := newFixture(t, nil)
	// Without statements that pgx keeps prepared: after a schema change those
	// fail once, bare or cached.
	f.bare, f.db = f.open("pgx", f.dsn+describe), f.connect(f.dsn+describe)
	run := map[string]func(test string, args []any) error{
		"exec": func(text string, args []any) error {
			_, err := f.db.ExecContext(t.Context(), text, args...)
			return err
		},
		"query": func(text string, args []any) error {
			_, err := dump(t.Context(), f.db, text, args...)
			return err
		},
	}
	for _, test := range tests {
		for way, write := range run {
			if test.reaches == nil && way == "query" && strings.Contains(test.write, ";") || test.name == "add a column" && way == "query" {
				continue // the schema changes once
			}
			t.Run(test.name+"/"+way, func(t *testing.T) {
				f := &fixture{T: t, dsn: f.dsn, cache: f.cache, db: f.db, bare: f.bare}
				reads := everyRead
				for _, q := range reads {
					f.warm(f.db, q)
				}
				if err := write(test.write, test.args); err != nil {
					var pg interface{ SQLState() string }
					if !errors.As(err, &pg) || pg.SQLState() != "23505" {
						t.Fatal(err) // but that a key exists already the second time
					}
				}
				for _, q := range reads {
					got, res := f.read(f.db, q)
					want, err := dump(t.Context(), f.bare, q)
					if err != nil {
						t.Fatal(err)
					}
					if got != want {
						t.Errorf("%s: stale: %s, want %s", q, got, want)
					}
					if test.reaches != nil && !slices.Contains(test.reaches, q) && res.Source() != querycache.Local {
						t.Errorf("%s: from %v (%s), although it was not written", q, res.Source(), res.Reason())
					}
				}
			})
		}
	}
}

const describe = "?default_query_exec_mode=describe_exec"

// A rewriter is an argument that replaces the text.
type rewriter string

// RewriteQuery implements pgx.QueryRewriter.
func (r rewriter) RewriteQuery(_ context.Context, _ *pgx.Conn, _ string, _ []any) (string, []any, error) {
	return string(r), nil, nil
}

// COPY goes past database/sql; Raw says what it writes.
func TestCopyThroughRaw(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(f.db, other)
	f.warm(f.db, books)
	conn, err := f.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = querycache.Raw(t.Context(), conn, func(base driver.Conn) error {
		_, err := base.(*stdlib.Conn).Conn().CopyFrom(t.Context(), pgx.Identifier{"other"}, []string{"n"}, pgx.CopyFromRows([][]any{{1}, {2}}))
		return err
	}, "public.other")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := dump(t.Context(), f.bare, other)
	if got, _ := f.read(f.db, other); got != want {
		t.Errorf("after COPY %s, want %s", got, want)
	}
	if _, res := f.read(f.db, books); res.Source() != querycache.Local {
		t.Errorf("books from %v", res.Source())
	}
}

// PREPARE and EXECUTE in SQL text.
func TestPrepareInText(t *testing.T) {
	f := newFixture(t, nil)
	f.db.SetMaxOpenConns(1)
	f.exec(f.db, "PREPARE w (int) AS UPDATE other SET n = $1")
	f.warm(f.db, other)
	f.exec(f.db, "EXECUTE w (13)")
	want, _ := dump(t.Context(), f.bare, other)
	if got, _ := f.read(f.db, other); got != want {
		t.Errorf("after EXECUTE %s, want %s", got, want)
	}
	f.exec(f.db, "DEALLOCATE w")
	f.warm(f.db, other)
}

// An error that proves a rollback leaves what is cached.
func TestAbortedWritesKeepAnswers(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(f.db, books)
	if _, err := f.db.Exec("INSERT INTO books VALUES (1, 'twice')"); err == nil {
		t.Fatal("a key was inserted twice")
	}
	if _, res := f.read(f.db, books); res.Source() != querycache.Local {
		t.Errorf("from %v after a write that failed", res.Source())
	}
	// But not of a text or a procedure that may have committed before.
	f.exec(f.bare, `CREATE PROCEDURE half() LANGUAGE plpgsql AS $$ BEGIN UPDATE books SET title = 'half'; COMMIT; PERFORM 1/0; END $$`)
	f.warm(f.db, books)
	if _, err := f.db.Exec("CALL half()"); err == nil {
		t.Fatal("1/0 is something")
	}
	want, _ := dump(t.Context(), f.bare, books)
	if got, _ := f.read(f.db, books); got != want {
		t.Errorf("after a procedure that committed and failed: %s, want %s", got, want)
	}
}

// REVOKE between two reads.
func TestRevoke(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, "CREATE ROLE "+role(t)+" LOGIN")
	defer f.exec(f.bare, "DROP OWNED BY "+role(t)+"; DROP ROLE "+role(t))
	f.exec(f.bare, "GRANT SELECT ON other TO "+role(t))
	db := f.connect(as(t, f.dsn, role(t)))
	f.warm(db, other)
	f.exec(f.db, "REVOKE SELECT ON other FROM "+role(t))
	if _, err := dump(t.Context(), db, other); err == nil {
		t.Error("a role reads what it has no right to")
	}
}
