package querycache

import (
	"database/sql/driver"

	"github.com/querycache/querycache/internal/resultset"
)

// In SQLite a connection whose rows are still being read goes on seeing the
// database as it was when they were begun, whatever it reads meanwhile. So
// while there are any, nothing is stored or learned through it.

// reading notes that rows of this connection stay open until what it returns is
// called.
func (s *session) reading() (done func()) {
	if !s.cache.embedded {
		return func() {}
	}
	n := s.open // another one once the connection is lost
	*n++
	return func() { *n-- }
}

// live passes on the rows of the driver. They are the driver's own unless their
// end has to be seen.
func (s *session) live(rows driver.Rows) driver.Rows {
	if !s.cache.embedded {
		return rows
	}
	return resultset.Live(rows, s.reading())
}
