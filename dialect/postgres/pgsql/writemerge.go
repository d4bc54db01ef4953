package pgsql

import "github.com/querycache/querycache/dialect"

// mergeOps returns what the clauses of a MERGE do; all that it could, for one
// that is not known.
func mergeOps(m message) (ops dialect.Op) {
	for _, clause := range list(m, "merge_when_clauses") {
		switch enum(clause, "command_type") {
		case "CMD_INSERT":
			ops |= dialect.Insert
		case "CMD_UPDATE":
			ops |= dialect.Update
		case "CMD_DELETE":
			ops |= dialect.Delete
		case "CMD_NOTHING":
		default:
			ops |= dialect.Insert | dialect.Update | dialect.Delete
		}
	}
	return ops
}
