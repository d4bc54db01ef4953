package pgsql

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.TxAsker = Dialect{}

// AskTx implements [dialect.TxAsker], for drivers that do not tell. A savepoint
// can be set within a transaction only.
func (Dialect) AskTx(ctx context.Context, conn driver.Conn) (in bool, err error) {
	const savepoint = "querycache_is_there_a_transaction"
	_, err = dialect.Query(ctx, conn, "SAVEPOINT "+savepoint)
	if err == nil {
		_, err = dialect.Query(context.WithoutCancel(ctx), conn, "RELEASE SAVEPOINT "+savepoint)
		return true, err
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch state.SQLState() {
		case "25P01": // no_active_sql_transaction
			return false, nil
		case "25P02": // in_failed_sql_transaction
			return true, nil
		}
	}
	return false, err
}
