package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

const controlSchema = `
CREATE TABLE leaf (id int NOT NULL, k int NOT NULL CHECK (k = 9)); CREATE TABLE many (k int) PARTITION BY LIST (k);
DO $$ BEGIN FOR i IN 1..60 LOOP EXECUTE format('CREATE TABLE many_%s PARTITION OF many FOR VALUES IN (%s)', i, i); END LOOP; END $$;
CREATE FUNCTION spread() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO many SELECT generate_series(1, 60); UPDATE hidden2 SET n = n + 1; RETURN NULL; END $$;
CREATE TABLE spreads (n int); CREATE TRIGGER s AFTER INSERT ON spreads EXECUTE FUNCTION spread();
INSERT INTO hidden2 VALUES (0);`

// Ways to end transactions, and to write beside them, with a trigger that nothing
// is declared of.
func TestWriteControl(t *testing.T) {
	server := testserver.NewPostgres(t, "max_prepared_transactions = 5")
	f := fixtureOn(t, server.DSN(), reachSchema+controlSchema, func(*querycache.Config) {})
	f.bare = f.open("pgx", f.dsn+describe)
	reads := []string{"loud", "hidden", "hidden2", "alone", "late", "part", "leaf", "many", "spreads"}
	raw := func(f *fixture, c *sql.Conn, text string, tables ...string) {
		f.Helper()
		err := querycache.Raw(f.Context(), c, func(base driver.Conn) error {
			_, err := base.(*stdlib.Conn).Conn().Exec(f.Context(), text)
			return err
		}, tables...)
		if err != nil {
			f.Fatal(err)
		}
	}
	const fire = "INSERT INTO loud VALUES (1)"
	for _, test := range []struct {
		name string
		// texts are run over one connection; "-" reads everything meanwhile.
		texts []string
		run   func(f *fixture, c *sql.Conn) // instead, or afterwards
	}{
		{"two phases", []string{"BEGIN", fire, "PREPARE TRANSACTION 'a'", "-", "COMMIT PREPARED 'a'"}, nil},
		{"two phases, rolled back", []string{"BEGIN", fire, "PREPARE TRANSACTION 'a'", "-", "ROLLBACK PREPARED 'a'"}, nil},
		{"two phases, committed by another", []string{"BEGIN", fire, "PREPARE TRANSACTION 'a'", "-"}, func(f *fixture, _ *sql.Conn) { f.exec(f.db, "COMMIT PREPARED 'a'") }},
		{"chain", []string{"BEGIN", fire, "COMMIT AND CHAIN", fire, "-", "COMMIT"}, nil},
		{"begin twice", []string{"BEGIN", fire, "BEGIN", "INSERT INTO alone VALUES (1)", "-", "END"}, nil},
		{"left open by a text", []string{"BEGIN; " + fire, "-", "COMMIT"}, nil},
		{"schema change undone", []string{"BEGIN", "SAVEPOINT a", "ALTER TABLE loud DISABLE TRIGGER ALL", "ROLLBACK TO a", "-", fire, "COMMIT"}, nil},
		{"trigger made within", []string{"BEGIN", "DO $$ BEGIN EXECUTE 'CREATE TRIGGER z AFTER INSERT ON alone FOR EACH ROW EXECUTE FUNCTION dyn()'; END $$", "-",
			"INSERT INTO alone VALUES (1)", "COMMIT", "-", "INSERT INTO alone VALUES (1)"}, nil},
		{"attach", []string{"BEGIN", "ALTER TABLE part ATTACH PARTITION leaf FOR VALUES IN (9)", "INSERT INTO leaf VALUES (1, 9)", "COMMIT", "-", "INSERT INTO leaf VALUES (2, 9)"}, nil},
		{"detach", []string{"ALTER TABLE part DETACH PARTITION leaf", "-", "INSERT INTO leaf VALUES (3, 9)"}, nil},
		{"more locks than have a fast path", []string{"BEGIN", "INSERT INTO spreads VALUES (1)", "-", "COMMIT"}, nil},
		{"temporary view", []string{"CREATE TEMP VIEW tv AS SELECT n FROM alone", "-", "INSERT INTO tv VALUES (1)"}, nil},
		{"temporary table of the same name", []string{"BEGIN", "CREATE TEMP TABLE alone (n int)", "INSERT INTO alone VALUES (1)", "DROP TABLE pg_temp.alone", "INSERT INTO alone VALUES (1)", "-", "COMMIT"}, nil},
		{"raw, with a trigger", nil, func(f *fixture, c *sql.Conn) { raw(f, c, fire, "public.loud") }},
		{"raw, in a transaction", []string{"BEGIN"}, func(f *fixture, c *sql.Conn) {
			raw(f, c, fire, "public.loud")
			f.warm(f.db, readOf("hidden"))
			f.exec(c, "COMMIT")
		}},
		{"raw commits", []string{"BEGIN", fire, "-"}, func(f *fixture, c *sql.Conn) { raw(f, c, "COMMIT", querycache.ReadOnly) }},
		{"cancelled", nil, func(f *fixture, _ *sql.Conn) {
			ctx, cancel := context.WithCancel(f.Context())
			tx, err := f.db.BeginTx(ctx, nil)
			if err != nil {
				f.Fatal(err)
			}
			f.exec(tx, fire)
			cancel()
			_ = tx.Commit()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, reading := f.with(t), f.with(t)
			warm := func() {
				for _, table := range reads {
					reading.warm(reading.db, readOf(table))
				}
			}
			f.cache.InvalidateAll(t.Context())
			warm()
			conn := f.conn(f.db)
			for _, text := range test.texts {
				if text == "-" {
					warm()
					continue
				}
				f.exec(conn, text, pgx.QueryExecModeSimpleProtocol)
			}
			if test.run != nil {
				test.run(f, conn)
			}
			for _, table := range reads {
				reading.fresh(table)
			}
		})
	}
}

// Event triggers fire also for what is no schema change to others.
func TestWriteOfEventTriggers(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.bare, `CREATE TABLE changes (n int); INSERT INTO changes VALUES (0);
CREATE FUNCTION changed() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE changes SET n = n + 1; END $$;
CREATE EVENT TRIGGER changed ON ddl_command_end EXECUTE FUNCTION changed()`)
	f.exec(f.db, "CREATE TABLE nothing (n int)") // that the catalog is read again
	for _, text := range []string{
		"CREATE TEMP TABLE t (n int)", "CREATE TEMP VIEW v AS SELECT 1 AS n", "CREATE TEMP TABLE t AS SELECT 1 AS n", "SELECT 1 AS n INTO TEMP t",
		"REFRESH MATERIALIZED VIEW totals", "COMMENT ON TABLE other IS 'x'",
	} {
		for _, way := range []string{"alone", "tx"} {
			own, reading := f.with(t), f.with(t)
			before := reading.warm(reading.db, readOf("changes"))
			if err := own.run(way, text); err != nil {
				t.Fatal(err)
			}
			if after, err := dump(t.Context(), f.bare, readOf("changes")); err != nil || after == before {
				t.Fatalf("%s, %s: nothing was written: %v", text, way, err)
			}
			reading.fresh("changes")
			own.db.Close() // with what it holds
		}
	}
}
