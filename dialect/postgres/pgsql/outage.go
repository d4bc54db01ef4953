package pgsql

import (
	"errors"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.OutageJudge = Dialect{}

// Outage implements [dialect.OutageJudge]: the server is starting, stopping or
// recovering, has no connection or memory left, or the connection was lost. What
// it says of a user or a statement is none.
func (Dialect) Outage(err error) (outage, answered bool) {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) || len(state.SQLState()) != 5 {
		return false, false
	}
	switch code := state.SQLState(); code[:2] {
	case "08", "53", "58": // connection, resources, system
		return true, true
	case "57":
		return code == "57P01" || code == "57P02" || code == "57P03", true
	}
	return false, true
}
