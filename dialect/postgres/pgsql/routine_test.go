package pgsql

import (
	"testing"

	"github.com/querycache/querycache/dialect"
)

// Functions in C of extensions may do anything, but for those of well-known
// extensions, and some that run the text of statements are only stable.
func TestExtensions(t *testing.T) {
	for name, test := range map[string]struct {
		query      string
		refuse     dialect.Reason
		everything dialect.Reason
		taints     bool
	}{
		"uuid-ossp": {query: "SELECT uuid_generate_v4() FROM t", refuse: dialect.ReasonUnknownFunc},
		"citext":    {query: "SELECT x::citext, replace(x::citext, 'a', 'b'), max(x::citext) FROM t"},
		"pg_trgm":   {query: "SELECT similarity(x, 'a') FROM t"},
		"dblink":    {query: "SELECT dblink_exec('', '') FROM t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile, taints: true},
		"tablefunc": {query: "SELECT * FROM crosstab('SELECT 1, 2, 3') AS c(a int, b int), t", refuse: dialect.ReasonVolatile, everything: dialect.ReasonVolatile, taints: true},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, "CREATE TABLE t (n int, x text)")
			db.exec(`CREATE EXTENSION "` + name + `"`)
			db.exec(`ALTER TABLE t ADD u uuid` + map[bool]string{true: " DEFAULT uuid_generate_v4()"}[name == "uuid-ossp"])
			_, session := db.probe()
			snap := db.load()
			if res := snap.Resolve(Dialect{}.Parse(test.query), session); res.Refuse != test.refuse || res.Everything != test.everything || res.Taints != test.taints {
				t.Errorf("%s: %+v, want %+v", test.query, res, test)
			}
			if res := snap.Resolve(Dialect{}.Parse("INSERT INTO t VALUES (1)"), session); res.Everything != "" || res.Taints {
				t.Errorf("a write: %+v", res)
			}
		})
	}
}
