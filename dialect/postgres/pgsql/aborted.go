package pgsql

import "errors"

// Aborted reports whether err is an answer of the server that proves that the
// statement, or the COMMIT, was rolled back. It understands errors of every
// driver that tells the SQLSTATE through a method SQLState.
func (Dialect) Aborted(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	code := state.SQLState()
	if len(code) != 5 {
		return false
	}
	switch code {
	case "40003": // statement_completion_unknown
		return false
	case "57014": // query_canceled
		return true
	}
	switch code[:2] {
	case "0A", // feature not supported
		"21", "22", // cardinality, data
		"23", "27", "44", // constraints, triggered data change, WITH CHECK OPTION
		"25", "2F", "38", "39", "P0", // transaction state, routines, PL/pgSQL
		"26", "28", "34", "3D", "3F", // names of statements, roles, cursors, databases, schemas
		"40",       // serialization, deadlock
		"42",       // syntax and access
		"53", "54", // resources, limits
		"55": // not in the state required
		return true
	}
	// The others end the connection or come from outside the statement: at
	// COMMIT they may come after the fact.
	return false
}
