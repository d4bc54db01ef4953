// Package wrap puts a layer between database/sql and a driver. It gives
// database/sql virtual connections, which adopt a real one from the
// connector's shelf only when a statement has to reach the database, and
// leaves every decision about statements to its owner. It knows no SQL and no
// cache, and starts no goroutine.
//
// database/sql hands the driver a connection before the query is known, so an
// answer from memory would otherwise occupy a connection to the database.
//
// What a virtual connection answers where the wrapped driver lacks an
// optional interface (from database/sql: sql.go, convert.go, ctxutil.go):
//
//	interface                      answer without it
//	Pinger                         nil
//	QueryerContext, ExecerContext  legacy Queryer/Execer, else ErrSkip
//	ConnPrepareContext             Prepare, then the context is checked
//	ConnBeginTx                    Begin; options other than the default are refused
//	NamedValueChecker              arguments pass unchecked until a real
//	                               connection is adopted; then database/sql's
//	                               own loop runs with the driver's checkers
//	StmtQueryContext/ExecContext   Query/Exec; never ErrSkip
//	SessionResetter and Validator  nil, true; as the pair means "keep the
//	                               connection after a rollback whose context
//	                               ended", the real one is closed then
//	                               unless the driver has both
//	io.Closer of the connector     nil
//
// Rows of the driver are never wrapped here, so every interface they have
// survives.
package wrap
