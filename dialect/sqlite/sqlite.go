// Package sqlite is the dialect of SQLite: what a statement reads and writes
// once views, triggers and foreign keys are followed, which functions may be
// cached, and which settings of a connection change its answers. It analyses
// with the meyer parser and reads the catalog through any driver; of
// modernc.org/sqlite it knows the connector. It runs no statement of the
// user and writes nothing.
package sqlite

import (
	"database/sql/driver"
	"reflect"

	modernc "modernc.org/sqlite"

	"github.com/querycache/querycache/dialect"
)

var (
	_ dialect.Dialect  = sqlite{}
	_ dialect.Embedded = sqlite{}
)

// Dialect returns the dialect of SQLite. It implements [dialect.Embedded] and
// is safe for concurrent use.
func Dialect() dialect.Dialect { return sqlite{} }

type sqlite struct{}

var lexicon = dialect.Lexicon{Backticks: true, Brackets: true}

// Name returns "sqlite".
func (sqlite) Name() string { return "sqlite" }

// Lexicon returns the quotes and comments of SQLite.
func (sqlite) Lexicon() dialect.Lexicon { return lexicon }

// Embedded implements [dialect.Embedded]: a reader keeps the writer of a
// rollback journal from committing.
func (sqlite) Embedded() {}

// AppendArg reports false: what drivers for SQLite bind beyond the types of
// database/sql they convert in ways of their own.
func (sqlite) AppendArg(dst []byte, _ any) ([]byte, bool) { return dst, false }

// Aborted reports false. No result code is proof: a text may hold statements
// that ran before the one that failed, and OR FAIL, as well as RAISE(FAIL),
// keeps the rows written before the constraint did not hold.
func (sqlite) Aborted(error) bool { return false }

// Transparent reports true for the connectors of modernc.org/sqlite's own
// driver, unless a connection hook is registered with it: a hook may run any
// SQL on a connection.
func (sqlite) Transparent(connector driver.Connector) bool {
	return connector != nil && reflect.TypeOf(connector) == connectorType && !hooked(connector.Driver())
}

// hooked reports whether modernc's driver may have connection hooks. It has
// no accessor for them; a field of another name or type counts as a hook.
func hooked(d driver.Driver) bool {
	m, ok := d.(*modernc.Driver)
	if !ok || m == nil {
		return true
	}
	hooks := reflect.ValueOf(m).Elem().FieldByName("connectionHooks")
	return !hooks.IsValid() || hooks.Kind() != reflect.Slice || hooks.Len() > 0
}

var connectorType = func() reflect.Type {
	c, err := modernc.NewConnector(":memory:")
	if err != nil {
		return nil
	}
	return reflect.TypeOf(c)
}()
