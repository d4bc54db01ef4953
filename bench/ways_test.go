package bench

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/sqlite"
)

// A way is one to read through something that remembers. A program writes, and
// has its transactions, on the database that open returns, and reads through
// what reads returns for it.
type way struct {
	name  string
	open  func(t testing.TB, base driver.Driver, dsn string) *sql.DB
	reads func(db *sql.DB) reader
}

var ways = []way{
	{"bare", openBare, func(db *sql.DB) reader { return direct{} }},
	{"querycache", openCached, func(db *sql.DB) reader { return direct{} }},
	{"by hand", openBare, func(db *sql.DB) reader { return &byHand{db: db, kept: map[string]kept{}} }},
}

// names makes names for sql.Register, which cannot be given back.
var names atomic.Int64

func openBare(t testing.TB, base driver.Driver, dsn string) *sql.DB {
	name := fmt.Sprintf("bare-%d", names.Add(1))
	sql.Register(name, base)
	return opened(t, name, dsn)
}

func openCached(t testing.TB, base driver.Driver, dsn string) *sql.DB {
	cache, err := querycache.New(querycache.Config{Dialect: sqlite.Dialect()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	name := fmt.Sprintf("querycache-%d", names.Add(1))
	if err := cache.Register(name, base); err != nil {
		t.Fatal(err)
	}
	return opened(t, name, dsn)
}

func opened(t testing.TB, name, dsn string) *sql.DB {
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// An answer is what a program can see of one: its columns as name, type and Go
// type, and its rows.
type answer struct {
	columns []string
	rows    [][]any
}

// A reader reads in the three manners of database/sql.
type reader interface {
	// all reads to the end.
	all(ctx context.Context, q querier, query string, args ...any) (answer, error)
	// row is QueryRow, for a query of one column.
	row(ctx context.Context, q querier, query string, args ...any) (any, error)
	// begin reads one row, of one column, of more and closes the rows.
	begin(ctx context.Context, q querier, query string, args ...any) (any, error)
}

// direct asks the database; whatever remembers is behind it.
type direct struct{}

func (direct) all(ctx context.Context, q querier, query string, args ...any) (a answer, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return answer{}, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return answer{}, err
	}
	for _, c := range types {
		a.columns = append(a.columns, fmt.Sprint(c.Name(), " ", c.DatabaseTypeName(), " ", c.ScanType()))
	}
	for rows.Next() {
		row := make([]any, len(types))
		dest := make([]any, len(types))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return answer{}, err
		}
		a.rows = append(a.rows, row)
	}
	return a, rows.Err()
}

func (direct) row(ctx context.Context, q querier, query string, args ...any) (v any, err error) {
	err = q.QueryRowContext(ctx, query, args...).Scan(&v)
	return v, err
}

func (direct) begin(ctx context.Context, q querier, query string, args ...any) (v any, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, fmt.Errorf("no row: %w", rows.Err())
	}
	if err := rows.Scan(&v); err != nil {
		return nil, err
	}
	return v, rows.Close()
}

// byHand keeps whole answers for a minute. It is used outside of transactions
// only, and nobody tells it of writes.
type byHand struct {
	db   *sql.DB
	mu   sync.Mutex // guards kept
	kept map[string]kept
}

type kept struct {
	answer
	until time.Time
}

func (h *byHand) all(ctx context.Context, q querier, query string, args ...any) (answer, error) {
	if q != h.db {
		return direct{}.all(ctx, q, query, args...)
	}
	key := fmt.Sprintf("%s %#v", query, args)
	h.mu.Lock()
	k, ok := h.kept[key]
	h.mu.Unlock()
	if ok && time.Now().Before(k.until) {
		return k.answer, nil
	}
	a, err := direct{}.all(ctx, q, query, args...)
	if err == nil {
		h.mu.Lock()
		h.kept[key] = kept{a, time.Now().Add(time.Minute)}
		h.mu.Unlock()
	}
	return a, err
}

func (h *byHand) row(ctx context.Context, q querier, query string, args ...any) (any, error) {
	a, err := h.all(ctx, q, query, args...)
	if err != nil {
		return nil, err
	}
	if len(a.rows) == 0 {
		return nil, sql.ErrNoRows
	}
	return a.rows[0][0], nil
}

func (h *byHand) begin(ctx context.Context, q querier, query string, args ...any) (any, error) {
	return h.row(ctx, q, query, args...)
}
