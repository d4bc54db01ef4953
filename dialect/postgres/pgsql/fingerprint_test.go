package pgsql

import (
	"context"
	"database/sql/driver"
	"testing"
)

// Whatever the catalog is about to say otherwise moves the fingerprint; writing
// rows and looking do not.
func TestFingerprint(t *testing.T) {
	db := open(t, `CREATE TABLE t (n int); CREATE TABLE u (n int PRIMARY KEY); INSERT INTO u VALUES (1);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE VIEW v AS SELECT n FROM t`)
	read := func() (fp string) {
		t.Helper()
		db.raw(func(c driver.Conn) (err error) {
			fp, err = Dialect{}.Fingerprint(context.Background(), c)
			return err
		})
		return fp
	}
	last := read()
	for _, step := range []struct {
		text  string
		moves bool
	}{
		{"INSERT INTO t VALUES (1)", false},
		{"SELECT * FROM v", false},
		{"SET search_path = public", false},
		{"CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", true},
		{"ALTER TABLE t DISABLE TRIGGER x", true},
		{"CREATE OR REPLACE VIEW v AS SELECT n FROM u", true},
		{"ALTER TABLE t ENABLE ROW LEVEL SECURITY", true},
		{"CREATE POLICY p ON t", true},
		{"ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES u", true},
		{"ALTER TABLE t ALTER n SET DEFAULT 5", true},
		{"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$", true},
		{"CREATE DOMAIN d AS int CHECK (VALUE < 100)", true},
		{"ALTER TABLE t ALTER n TYPE d", true},
		{"ALTER TABLE t RENAME TO tt", true},
		{"CREATE SCHEMA s", true},
		{"DROP VIEW v", true},
		{"ALTER TABLE tt SET UNLOGGED", true},
	} {
		db.exec(step.text)
		if now := read(); (now != last) != step.moves {
			t.Errorf("%s: moved %v, want %v", step.text, now != last, step.moves)
		} else {
			last = now
		}
	}
}
