package pgsql

import (
	"errors"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.ErrorJudge = Dialect{}

// Lasting implements [dialect.ErrorJudge]: errors of the text, its names, rights
// and data. All others may be of the session that met them: its timeouts, its
// locks, its cancellation.
func (Dialect) Lasting(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) || len(state.SQLState()) != 5 {
		return false
	}
	switch state.SQLState()[:2] {
	case "21", "22", "42": // cardinality, data, syntax and access
		return true
	}
	return false
}
