package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/querycache/querycache/dialect"
)

// probeQuery reads in one statement where the rows are and what changes the
// answers: the settings, among them case_sensitive_like, which only LIKE
// itself can tell. The parameter comes back as the driver writes times, which
// decides what a time among the arguments is compared as. No function is
// called but that behind LIKE: the user may have replaced them.
const probeQuery = `SELECT
 (SELECT file FROM pragma_database_list WHERE name = 'main'),
 EXISTS (SELECT 1 FROM pragma_database_list WHERE name NOT IN ('main', 'temp')),
 EXISTS (SELECT 1 FROM sqlite_temp_schema),
 (SELECT read_uncommitted FROM pragma_read_uncommitted),
 (SELECT count_changes FROM pragma_count_changes),
 (SELECT empty_result_callbacks FROM pragma_empty_result_callbacks),
 (SELECT encoding FROM pragma_encoding),
 (SELECT full_column_names FROM pragma_full_column_names),
 (SELECT reverse_unordered_selects FROM pragma_reverse_unordered_selects),
 (SELECT short_column_names FROM pragma_short_column_names),
 (SELECT trusted_schema FROM pragma_trusted_schema),
 'a' LIKE 'A',
 ?1`

// keyColumn is the first column that goes into the session's key.
const keyColumn = 4

var probeTime = time.Date(2001, 2, 3, 4, 5, 6, 789_000_000, time.FixedZone("", 90*60))

// Probe implements [dialect.Prober]. The server is a file: what the system
// knows it by, so that a new file in its place is a new server, and one with
// two paths is one.
func (sqlite) Probe(ctx context.Context, conn driver.Conn) (dialect.Server, dialect.Session, error) {
	rows, err := dialect.Query(ctx, conn, probeQuery, probeTime)
	if err != nil {
		return "", dialect.Session{}, err
	}
	if len(rows) != 1 || len(rows[0]) <= keyColumn {
		return "", dialect.Session{}, fmt.Errorf("querycache: sqlite: probe answered %d rows, expected one", len(rows))
	}
	row := rows[0]
	session := dialect.Session{Key: sessionKey(row[keyColumn:])}
	server, err := serverOf(dialect.Text(row[0]))
	switch {
	case err != nil:
		return "", dialect.Session{}, err
	case server == "":
		// Private to the connection, or by now without a name: there is
		// nothing that another connection could share.
		session.Pinned, session.Refuse = true, dialect.ReasonMemory
	case isSet(row[1]):
		session.Refuse = dialect.ReasonAttached
	case isSet(row[2]):
		session.Refuse = dialect.ReasonTempTable
	case isSet(row[3]):
		session.Refuse = dialect.ReasonDirtyReads
	}
	return server, session, nil
}

// serverOf names the database in a file. It is "" for one in memory, in a
// temporary file, behind a VFS that is not the system's, or in a file that
// has been removed.
func serverOf(file string) (dialect.Server, error) {
	if file == "" {
		return "", nil
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	id, ok := fileID(path)
	if !ok {
		return "", nil
	}
	return dialect.Server("sqlite:" + id), nil
}

// sessionKey writes values so that different ones never look alike.
func sessionKey(values []driver.Value) string {
	var b strings.Builder
	for _, v := range values {
		if t, ok := v.(time.Time); ok {
			v = t.Format(time.RFC3339Nano) + " " + t.Location().String()
		}
		b.WriteString(strconv.Quote(fmt.Sprintf("%T %v", v, v)))
	}
	return b.String()
}

func isSet(v driver.Value) bool {
	switch v := v.(type) {
	case int64:
		return v != 0
	case bool:
		return v
	}
	return true // unheard of
}
