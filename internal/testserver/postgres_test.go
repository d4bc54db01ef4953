package testserver

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestPostgres(t *testing.T) {
	var names []string
	t.Run("databases", func(t *testing.T) {
		for range 2 {
			conn := open(t, Postgres(t)) // still open when the database is dropped
			// Fails in the second unless they are two.
			if _, err := conn.Exec(t.Context(), "CREATE TABLE t (n int)"); err != nil {
				t.Error(err)
			}
			var name string
			if err := conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
	})

	dsn := Postgres(t)
	conn := open(t, dsn)
	var left int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = ANY ($1)", names).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%d of %q are left", left, names)
	}
	if err := postgresReady(t.Context(), dsn, ""); err != nil {
		t.Error(err)
	}
	if err := postgresReady(t.Context(), dsn, "/elsewhere"); err == nil {
		t.Error("another server on the port passes for ours")
	}
}

func open(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
