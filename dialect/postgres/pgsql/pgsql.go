// Package pgsql is the dialect of PostgreSQL: what a statement reads and
// writes once views, partitions and inheritance are followed, which functions
// may be cached, and what of a session changes its answers. It analyses with
// the oliphant parser and reads the catalog through any driver: it knows
// neither pgx nor lib/pq. It runs no statement of the user and writes nothing.
//
// Oliphant registers the protobuf types of pg_query.proto, as pg_query_go and
// go-pgquery do. A program that links two of them panics when it starts,
// unless GOLANG_PROTOBUF_REGISTRATION_CONFLICT=warn is set.
package pgsql

import (
	"database/sql/driver"

	"github.com/querycache/querycache/dialect"
)

var (
	_ dialect.Dialect = Dialect{}
	_ dialect.Prober  = Dialect{}

	_ dialect.SettingProber  = Dialect{}
	_ dialect.SettingCatalog = (*catalog)(nil)
)

// Dialect is the dialect of PostgreSQL for any driver. The zero value is
// ready; it is safe for concurrent use. A driver's own package embeds it to
// add what it knows of its types and connectors.
type Dialect struct{}

var lexicon = dialect.Lexicon{DollarQuotes: true, EscapeStrings: true, NestedComments: true}

// Name returns "postgres".
func (Dialect) Name() string { return "postgres" }

// Lexicon returns the quotes and comments of PostgreSQL.
func (Dialect) Lexicon() dialect.Lexicon { return lexicon }

// AppendArg reports false: the types are the driver's.
func (Dialect) AppendArg(dst []byte, _ any) ([]byte, bool) { return dst, false }

// Transparent reports false: the connector is not known.
func (Dialect) Transparent(driver.Connector) bool { return false }
