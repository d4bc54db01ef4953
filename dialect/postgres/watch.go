package postgres

import (
	"database/sql/driver"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// InTx implements [dialect.Watcher]: the server tells with each answer.
func (postgres) InTx(conn driver.Conn) (in, ok bool) {
	pg := connOf(conn)
	if pg == nil {
		return false, false
	}
	switch pg.TxStatus() {
	case 'I':
		return false, true
	case 'T', 'E':
		return true, true
	}
	return false, false
}

// reported are the settings that a server tells of when they change (protocol,
// ParameterStatus) and that change answers; what a server does not tell of is
// empty.
var reported = []string{"client_encoding", "DateStyle", "in_hot_standby", "integer_datetimes", "IntervalStyle", "is_superuser", "search_path", "server_version",
	"session_authorization", "standard_conforming_strings", "TimeZone"}

// Reported implements [dialect.Watcher].
func (postgres) Reported(conn driver.Conn) (settings string, ok bool) {
	pg := connOf(conn)
	if pg == nil {
		return "", false
	}
	var b []byte
	for _, name := range reported {
		b = appendString(b, pg.ParameterStatus(name))
	}
	return string(b), true
}

// connOf returns pgx's own connection, nil if conn is none of stdlib.
func connOf(conn driver.Conn) *pgconn.PgConn {
	if c, ok := conn.(*stdlib.Conn); ok && c.Conn() != nil {
		return c.Conn().PgConn()
	}
	return nil
}
