package sqlite

import (
	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache"
)

// Name is what the package registers with database/sql: modernc.org/sqlite
// with its reads cached. Databases opened under it share one cache, which the
// environment configures; see [querycache.RegisterShared].
const Name = "sqlitecache"

func init() {
	// The driver behind modernc's own name, so that functions and
	// collations registered with that package are there too.
	base, err := modernc.NewConnector("")
	if err != nil {
		panic("bug: modernc.org/sqlite refuses an empty DSN: " + err.Error())
	}
	querycache.RegisterShared(Name, base.Driver(), Dialect())
}
