package sqlite

import (
	"errors"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.ErrorJudge = sqlite{}

// Lasting implements [dialect.ErrorJudge]: SQLITE_ERROR is of the text and its
// names; others may be of the connection, as SQLITE_BUSY is.
func (sqlite) Lasting(err error) bool {
	const sqliteError = 1
	var coded interface{ Code() int }
	return errors.As(err, &coded) && coded.Code() == sqliteError
}
