package wrap

import (
	"context"
	"database/sql/driver"
	"time"
)

// An Owner decides what happens on the connections of a [Connector]. It is
// safe for concurrent use.
type Owner interface {
	// Dialed is called with every new real connection before anything else
	// uses it. What it returns stays with the connection: see [Conn.Mark].
	// It runs within the context of whoever dialled.
	Dialed(ctx context.Context, base driver.Conn) any

	// NewSession makes the owner's side of a new virtual connection.
	NewSession(c *Conn) Session

	// Closed is called once, when the connector is closed and the last of its
	// real connections is: one that is still in use then may yet write.
	Closed()
}

// A Session is the owner's side of one virtual connection. Like a
// driver.Conn it is used by one goroutine at a time.
type Session interface {
	// Query and Exec answer a statement; stmt is nil if it was not
	// prepared. They reach the database through [Conn.RunQuery],
	// [Conn.RunExec] and [Conn.Load].
	Query(ctx context.Context, stmt *Stmt, text string, args []driver.NamedValue) (driver.Rows, error)
	Exec(ctx context.Context, stmt *Stmt, text string, args []driver.NamedValue) (driver.Result, error)

	// Prepare runs prepare, exactly once, and returns its error as it is.
	Prepare(ctx context.Context, text string, prepare func() error) error

	// Deferrable reports whether preparing text may wait until the first
	// execution that has to reach the database.
	Deferrable(text string) bool

	// Begin, Commit and Rollback run the step of a transaction that they
	// are given, exactly once, and return its error as it is.
	Begin(ctx context.Context, begin func() error) error
	Commit(commit func() error) error
	Rollback(rollback func() error) error

	// Returned is called when database/sql takes the virtual connection
	// back. It reports whether the real connection holds state that the
	// next user of this virtual connection would find on a bare one, so
	// that it must not go to another.
	Returned() (keep bool)

	// Exposed is called before the real connection is handed out.
	Exposed()

	// Lost is called when the real connection was closed, and its session
	// with it.
	Lost()
}

// Limits bound the real connections of a [Connector].
type Limits struct {
	// Max is the largest number in use at a time; who needs one more waits.
	// 0: no limit. Connections that stay with their virtual connection,
	// because of what their session holds, are not counted while idle.
	Max int
	// MaxIdle bounds those kept on the shelf. 0: as many as there are open
	// virtual connections, so that SetMaxIdleConns, SetConnMaxIdleTime and
	// SetConnMaxLifetime of the sql.DB govern both.
	MaxIdle int
	// MaxIdleTime and MaxLifetime close a real connection that was not used
	// for, or was opened, that long ago, when it is next looked at. 0: never.
	MaxIdleTime, MaxLifetime time.Duration
}
