package postgres_test

import (
	"database/sql"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
	"github.com/querycache/querycache/internal/testserver"
)

// BenchmarkWrite is a transaction of one UPDATE: with the bare driver, and through
// the cache of a table that sets nothing off and of one with a trigger, of which the
// database is asked what it has written or, with NoWriteQuery, is not.
func BenchmarkWrite(b *testing.B) {
	dsn := testserver.Postgres(b)
	bare, err := sql.Open("pgx", dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	_, err = bare.Exec(`CREATE TABLE quiet (id int PRIMARY KEY, n int); CREATE TABLE loud (id int PRIMARY KEY, n int); CREATE TABLE log (n int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE log SET n = NEW.n; RETURN NULL; END';
CREATE TRIGGER note AFTER UPDATE ON loud FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO quiet VALUES (1, 0); INSERT INTO loud VALUES (1, 0);`)
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct {
		name, table string
		cached      bool
		change      querycache.Config
	}{
		{"quiet/bare", "quiet", false, querycache.Config{}},
		{"quiet/cached", "quiet", true, querycache.Config{}},
		{"quiet/sampled", "quiet", true, querycache.Config{SampleWrites: 1}},
		{"trigger/bare", "loud", false, querycache.Config{}},
		{"trigger/asked", "loud", true, querycache.Config{}},
		{"trigger/not asked", "loud", true, querycache.Config{NoWriteQuery: true}},
		{"trigger/declared", "loud", true, querycache.Config{Writes: map[string][]string{"public.note": {"public.log"}}}},
	} {
		b.Run(way.name, func(b *testing.B) {
			db := bare
			if way.cached {
				cfg := way.change
				cfg.Dialect, cfg.DefaultTTL = postgres.Dialect(), time.Minute
				cache, err := querycache.New(cfg)
				if err != nil {
					b.Fatal(err)
				}
				defer cache.Close()
				connector, err := cache.Driver(stdlib.GetDefaultDriver()).(driver.DriverContext).OpenConnector(dsn)
				if err != nil {
					b.Fatal(err)
				}
				db = sql.OpenDB(connector)
				defer db.Close()
			}
			write := func() {
				tx, err := db.Begin()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := tx.Exec("UPDATE " + way.table + " SET n = n + 1 WHERE id = 1"); err != nil {
					b.Fatal(err)
				}
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			for range 100 { // the catalog is read meanwhile
				write()
			}
			for b.Loop() {
				write()
			}
		})
	}
}
