package pgsql_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres/pgsql"
	"github.com/querycache/querycache/internal/testserver"
)

// Any driver for PostgreSQL can be cached: here lib/pq.
func TestLibPQ(t *testing.T) {
	dsn := testserver.Postgres(t) + "?sslmode=disable"
	cache, err := querycache.New(querycache.Config{Dialect: pgsql.Dialect{}, DefaultTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	if err := cache.Register("pq-cached", &pq.Driver{}); err != nil {
		t.Fatal(err)
	}
	db := openName(t, "pq-cached", dsn)
	bare := openName(t, "postgres", dsn)
	for _, text := range []string{
		"CREATE TABLE goods (id int PRIMARY KEY, name text, price numeric(8,2), at timestamptz DEFAULT '2026-01-02 03:04:05+00', raw bytea DEFAULT '\\x00ff')",
		"INSERT INTO goods VALUES (1, 'cup', 2.50), (2, NULL, NULL)",
		"CREATE VIEW cheap AS SELECT * FROM goods WHERE price < 5",
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	const query = "SELECT id, name, price, at, raw FROM goods WHERE id = ANY($1) ORDER BY id"
	args := []any{pq.Array([]int64{1, 2})}
	res := new(querycache.Result)
	memory := func(q string, args ...any) {
		t.Helper()
		want := rowsOf(t, bare, nil, q, args...)
		for end := time.Now().Add(10 * time.Second); res.Source() != querycache.Local; {
			if got := rowsOf(t, db, &res, q, args...); got != want {
				t.Fatalf("%s: %s from %v, want %s", q, got, res.Source(), want)
			}
			if time.Now().After(end) {
				t.Fatalf("%s is never answered from memory: %q", q, res.Reason())
			}
		}
		res = new(querycache.Result)
	}
	memory(query, args...)
	memory(query, pq.Array([]int64{2})) // is not the same
	memory("SELECT count(*) FROM cheap")

	var id int
	if err := db.QueryRow("UPDATE goods SET price = 9 WHERE id = 1 RETURNING id").Scan(&id); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SELECT count(*) FROM cheap", "SELECT price FROM goods WHERE id = 1"} {
		if got, want := rowsOf(t, db, &res, q), rowsOf(t, bare, nil, q); got != want {
			t.Errorf("after a write: %s: %s from %v, want %s", q, got, res.Source(), want)
		}
	}

	// Text that this session alone reads otherwise.
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const zone = "SELECT at::text FROM goods WHERE id = 1"
	memory(zone)
	if _, err := conn.ExecContext(t.Context(), "SET TimeZone = 'Asia/Tokyo'"); err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(t, conn, &res, zone); got != "2026-01-02 12:04:05+09;" {
		t.Errorf("in Tokyo it is %s from %v", got, res.Source())
	}
	memory(zone)
}

func openName(t *testing.T, name, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// rowsOf returns the rows as a string.
func rowsOf(t *testing.T, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, res **querycache.Result, query string, args ...any) (out string) {
	t.Helper()
	ctx, r := querycache.WithResult(t.Context())
	if res != nil {
		*res = r
	}
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	for rows.Next() {
		cells := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		for i, c := range cells {
			if i > 0 {
				out += "|"
			}
			if out += c.String; !c.Valid {
				out += "NULL"
			}
		}
		out += ";"
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}
