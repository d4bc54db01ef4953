package pgsql

import "testing"

// A read that only the server understands counts as a write only where it may be
// one without showing it.
func TestReadsNotUnderstood(t *testing.T) {
	for schema, writes := range map[string]bool{
		"": false,
		"CREATE FUNCTION note(i int) RETURNS int LANGUAGE sql AS 'SELECT 1'":                                                          true, // (n).note
		"CREATE FUNCTION note(i int, j int) RETURNS int LANGUAGE sql AS 'SELECT 1'":                                                   false,
		"CREATE FUNCTION log(i int, j int) RETURNS int LANGUAGE sql AS 'SELECT 1'":                                                    true,
		"CREATE FUNCTION note(i int, j int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT note(n, n) FROM t":        true,
		"CREATE FUNCTION note(i int, j int) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT note(n, n) FROM t": false,
	} {
		db := open(t, "CREATE TABLE t (n int); "+schema)
		_, session := db.probe()
		if res := db.load().Resolve(Dialect{}.Parse("SELECT n OR FROM t"), session); (res.Everything != "") != writes {
			t.Errorf("with %q: everything is %q", schema, res.Everything)
		}
	}
}
