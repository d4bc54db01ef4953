// Package fakedriver is a small database in memory behind drivers of every
// shape that database/sql accepts, for tests: what a layer between the two
// must not change can be compared with and without it, the database can be
// told to fail at any step, it counts what reached it, and it notices a driver
// used against the rules. It knows no SQL beyond the statements listed at
// [Server], has no network and keeps nothing.
//
// The optional interfaces of database/sql/driver cannot all be present and
// absent at once, so there are several shapes, each with its like among real
// drivers:
//
//	Full         everything current, on connection, statement and rows
//	Legacy       of before Go 1.8: Queryer and Execer without context,
//	             ColumnConverter, neither resetter nor validator
//	Minimal      driver.Conn, Stmt, Tx and Rows, nothing more
//	Skip         answers ErrSkip where there are arguments, and checks
//	             arguments in the prepared statement only, as mysql did
//	NoReset      Full without SessionResetter; NumInput is not known
//	NoValid      Full without Validator
//	Remove       its checker takes options out of the arguments with
//	             ErrRemoveArgument and lets slices through, as pgx does
//	StmtChecker  everything goes through a prepared statement, which alone
//	             checks arguments, as mssql did
//
// [Empty] is another driver, without a database: the cheapest possible, as the
// floor for benchmarks.
package fakedriver
