// Package postgres is the dialect of PostgreSQL for programs that use pgx
// through database/sql. It registers "pgxcache": pgx with its reads cached.
// The analysis is that of package pgsql, which works with any other driver,
// lib/pq for one, and which says what to know before linking it.
package postgres

import (
	"database/sql/driver"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/dialect/postgres/pgsql"
)

// Name is what the package registers with database/sql. Databases opened under
// it share one cache, which the environment configures; see
// [querycache.RegisterShared].
const Name = "pgxcache"

func init() { querycache.RegisterShared(Name, stdlib.GetDefaultDriver(), Dialect()) }

var (
	_ dialect.Dialect  = postgres{}
	_ dialect.Watcher  = postgres{}
	_ dialect.Rewriter = postgres{}
)

// Dialect returns the dialect of PostgreSQL with what has to be known of pgx.
// It is safe for concurrent use.
func Dialect() dialect.Dialect { return postgres{} }

type postgres struct{ pgsql.Dialect }

// Transparent reports true for connectors that pgx has made from a data source
// name. Those of stdlib.GetConnector and GetPoolConnector may have hooks that
// set the search path or a tenant for each user of a connection.
func (postgres) Transparent(connector driver.Connector) bool {
	return connector != nil && reflect.TypeOf(connector) == fromDSN
}

var fromDSN = func() reflect.Type {
	d, ok := stdlib.GetDefaultDriver().(driver.DriverContext)
	if !ok {
		return nil
	}
	c, err := d.OpenConnector("")
	if err != nil {
		return nil
	}
	return reflect.TypeOf(c)
}()

// Rewrites implements [dialect.Rewriter]: an argument that is a
// pgx.QueryRewriter replaces the text. pgx's own named arguments only put
// numbers in the place of names.
func (postgres) Rewrites(args []driver.NamedValue) bool {
	for i := range args {
		switch args[i].Value.(type) {
		case nil, int64, int, int32, string, bool, float64, []byte:
		case pgx.NamedArgs, pgx.StrictNamedArgs:
		case pgx.QueryRewriter:
			return true
		}
	}
	return false
}
