package pgsql

import (
	"context"
	"database/sql/driver"
	"testing"
)

// Whatever the catalog is about to say otherwise moves the fingerprint; writing
// rows and looking do not.
func TestFingerprint(t *testing.T) {
	const user, group = "qc_testfingerprint", "qc_testfingerprint_group"
	db := open(t, `CREATE TYPE mood AS ENUM ('calm');
DO $$ BEGIN CREATE ROLE `+user+`; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE `+group+`; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE TABLE t (n int); CREATE TABLE u (n int PRIMARY KEY); INSERT INTO u VALUES (1);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE VIEW v AS SELECT n FROM t`)
	read := func() (fp string) {
		t.Helper()
		db.raw(func(c driver.Conn) (err error) {
			fp, err = Dialect{}.Fingerprint(context.Background(), c)
			return err
		})
		return fp
	}
	defer db.exec("DROP OWNED BY " + user + ", " + group + "; DROP ROLE " + user + ", " + group)
	last, guard := read(), db.load().(*catalog).Guard()
	for _, step := range []struct {
		text          string
		moves, guards bool
	}{
		{"INSERT INTO t VALUES (1)", false, false},
		{"SELECT * FROM v", false, false},
		{"SET search_path = public", false, false},
		{"CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", true, false},
		{"ALTER TABLE t DISABLE TRIGGER x", true, false},
		{"CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e()", true, false},
		{"ALTER EVENT TRIGGER e DISABLE", true, false},
		{"CREATE OPERATOR CLASS c FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int)", true, false},
		{"CREATE OR REPLACE VIEW v AS SELECT n FROM u", true, false},
		{"ALTER TABLE t ENABLE ROW LEVEL SECURITY", true, true},
		{"ALTER TABLE t FORCE ROW LEVEL SECURITY", true, true},
		{"CREATE POLICY p ON t", true, true},
		{"ALTER POLICY p ON t USING (n = 1)", true, true},
		{"DROP POLICY p ON t", true, true},
		{"ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES u", true, false},
		{"ALTER TABLE t ALTER n SET DEFAULT 5", true, false},
		{"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$", true, false},
		{"CREATE DOMAIN d AS int CHECK (VALUE < 100)", true, false},
		{"ALTER TABLE t ALTER n TYPE d", true, false},
		{"ALTER TYPE mood RENAME VALUE 'calm' TO 'still'", true, false},
		{"ALTER TEXT SEARCH CONFIGURATION english ALTER MAPPING FOR word WITH simple", true, false},
		{"ALTER TABLE t RENAME TO tt", true, false},
		{"CREATE SCHEMA s", true, true},
		{"ALTER SCHEMA s RENAME TO sch", true, true},
		{"ALTER SCHEMA sch RENAME TO s", true, true},
		{"DROP VIEW v", true, false},
		{"CREATE VIEW v AS SELECT n FROM u", true, false},
		{"ALTER VIEW v OWNER TO " + user, true, true},
		{"ALTER VIEW v SET (security_barrier = true)", true, true},
		{"ALTER VIEW v OWNER TO CURRENT_USER", true, true},
		{"ALTER TABLE tt SET UNLOGGED", true, false},
		{"GRANT SELECT ON u TO " + user, true, true},
		{"REVOKE SELECT ON u FROM " + user, true, true},
		{"GRANT SELECT (n) ON u TO " + user, true, true},
		{"REVOKE SELECT (n) ON u FROM " + user, true, true},
		{"GRANT USAGE ON SCHEMA s TO " + user, true, true},
		{"REVOKE EXECUTE ON FUNCTION f FROM public", true, true},
		{"ALTER TABLE tt OWNER TO " + user, true, true},
		{"GRANT " + group + " TO " + user, true, true},
		{"REVOKE " + group + " FROM " + user, true, true},
		{"ALTER ROLE " + user + " BYPASSRLS", true, true},
		{"ALTER ROLE " + user + " NOINHERIT", true, true},
		{"ALTER ROLE " + user + " SUPERUSER", true, true},
		{"ALTER ROLE " + user + " NOSUPERUSER", true, true},
		{"ALTER ROLE " + user + " SET app.tenant = 'x'", true, true},
		{"CREATE TEMP TABLE mine (n int)", true, false},
	} {
		db.exec(step.text)
		if now := read(); (now != last) != step.moves {
			t.Errorf("%s: moved %v, want %v", step.text, now != last, step.moves)
		} else {
			last = now
		}
		if now := db.load().(*catalog).Guard(); (now != guard) != step.guards {
			t.Errorf("%s: the guard moved %v, want %v", step.text, now != guard, step.guards)
		} else {
			guard = now
		}
	}
}
