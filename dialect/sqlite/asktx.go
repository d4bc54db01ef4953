package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.TxAsker = sqlite{}

// AskTx implements [dialect.TxAsker]. A deferred transaction takes no lock, and
// cannot begin within another one.
func (sqlite) AskTx(ctx context.Context, conn driver.Conn) (in bool, err error) {
	x, ok := conn.(driver.ExecerContext)
	if !ok {
		return false, errors.New("querycache: sqlite: the driver runs no statement without preparing it")
	}
	if _, err := x.ExecContext(ctx, "BEGIN DEFERRED", nil); err != nil {
		if strings.Contains(err.Error(), "within a transaction") {
			return true, nil
		}
		return false, err
	}
	// Not to be left open for a context that has ended meanwhile.
	_, err = x.ExecContext(context.WithoutCancel(ctx), "ROLLBACK", nil)
	return false, err
}
