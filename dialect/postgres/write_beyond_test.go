package postgres_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

// beyondSchema has triggers that write through dblink: in a transaction of their
// own, which is over before the statement is, and stays if that is undone.
const beyondSchema = `CREATE EXTENSION dblink;
CREATE TABLE errors (n int); CREATE TABLE noisy (n int CHECK (n < 10)); CREATE TABLE declared (n int CHECK (n < 10));
CREATE FUNCTION beyond() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 PERFORM dblink_exec('{dsn}', 'INSERT INTO errors VALUES (' || NEW.n || ')'); RETURN NEW; END $$;
CREATE FUNCTION also_beyond() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 PERFORM dblink_exec('{dsn}', 'INSERT INTO errors VALUES (' || NEW.n || ')'); RETURN NEW; END $$;
CREATE TRIGGER b BEFORE INSERT ON noisy FOR EACH ROW EXECUTE FUNCTION beyond();
CREATE TRIGGER b BEFORE INSERT ON declared FOR EACH ROW EXECUTE FUNCTION also_beyond();`

// seenByServer returns a URL of the server as it is reached from itself: in a
// container it has another address and port.
func seenByServer(f *fixture, dsn string) string {
	f.Helper()
	var address string
	err := f.bare.QueryRow("SELECT concat(CASE family(inet_server_addr()) WHEN 6 THEN '[' || host(inet_server_addr()) || ']' ELSE host(inet_server_addr()) END, ':', inet_server_port())").Scan(&address)
	if err != nil {
		f.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		f.Fatal(err)
	}
	u.Host = address
	return u.String()
}

// What is written past the transaction is seen at once, and whatever becomes of it.
func TestWriteBeyond(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) {
		c.SampleWrites = 0
		c.Writes = map[string][]string{"public.also_beyond": {"public.errors"}}
	})
	f.exec(f.bare, strings.ReplaceAll(beyondSchema, "{dsn}", seenByServer(f, f.dsn)))
	f.exec(f.db, "CREATE TABLE nothing (n int)") // that the catalog is read again
	errorsOf := "SELECT n FROM errors"
	for _, table := range []string{"noisy", "declared"} {
		insert, fails := "INSERT INTO "+table+" VALUES (1)", "INSERT INTO "+table+" VALUES (11)"
		for name, write := range map[string]func(f *fixture){
			"before COMMIT": func(f *fixture) {
				tx, err := f.db.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				f.exec(tx, insert)
				f.Cleanup(func() { tx.Rollback() })
			},
			"rolled back": func(f *fixture) {
				tx, err := f.db.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				f.exec(tx, insert)
				if err := tx.Rollback(); err != nil {
					t.Fatal(err)
				}
			},
			"failed": func(f *fixture) {
				if _, err := f.db.ExecContext(t.Context(), fails); err == nil {
					t.Fatal("the check does not check")
				}
			},
			"failed in a transaction": func(f *fixture) {
				conn := f.conn(f.db)
				f.exec(conn, "BEGIN")
				if _, err := conn.ExecContext(t.Context(), fails); err == nil {
					t.Fatal("the check does not check")
				}
				f.exec(conn, "ROLLBACK")
			},
		} {
			t.Run(table+"/"+name, func(t *testing.T) {
				f := f.with(t)
				before := f.warm(f.db, errorsOf)
				write(f)
				want, err := dump(t.Context(), f.bare, errorsOf)
				if err != nil || want == before {
					t.Fatalf("nothing was written: %v", err)
				}
				if got, res := f.read(f.db, errorsOf); got != want {
					t.Errorf("%s from %v, want %s", got, res.Source(), want)
				}
			})
		}
	}
}

// Nor need it be in the same database.
func TestWriteBeyondDatabase(t *testing.T) {
	f := newFixture(t, nil)
	away := testserver.Postgres(t)
	db := f.open("pgx", away)
	f.exec(db, "CREATE TABLE errors (n int)")
	f.exec(f.bare, strings.ReplaceAll(beyondSchema, "{dsn}", seenByServer(f, away)))
	f.exec(f.db, "CREATE TABLE nothing (n int)") // that the catalog is read again
	cached := f.connect(away)
	for _, way := range []string{"alone", "tx", "text"} {
		own := f.with(t)
		own.warm(own.db, other)
		f.warm(cached, "SELECT n FROM errors")
		if err := own.run(way, "INSERT INTO noisy VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		want, err := dump(t.Context(), db, "SELECT n FROM errors")
		if err != nil {
			t.Fatal(err)
		}
		if got, res := f.read(cached, "SELECT n FROM errors"); got != want {
			t.Errorf("%s: %s from %v, want %s", way, got, res.Source(), want)
		}
	}
}
