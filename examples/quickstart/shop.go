package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/querycache/querycache"
)

// The hint is all that the caching driver needs; to a plain one it is a comment.
const (
	shelf = `SELECT /* cache: ttl=30s */ a.name, count(*), min(b.price), max(b.price), sum(b.price)
 FROM qc_quickstart_books AS b JOIN qc_quickstart_authors AS a ON a.id = b.author
 WHERE b.author = $1 GROUP BY a.name`
	survey  = `SELECT /* cache: ttl=30s */ count(*) FROM qc_quickstart_books WHERE title <> 'book 7'` // slow: reads all
	reprice = `UPDATE qc_quickstart_books SET price = price + 1 WHERE id = $1`
	lottery = `SELECT /* cache: ttl=30s */ title FROM qc_quickstart_books ORDER BY random() LIMIT 1`
)

// A shop is a database with books, opened twice: plain and cached.
type shop struct {
	config
	plain, cached *sql.DB
	cache         *querycache.Cache
	progress      progress
}

// A shelfRow is an answer of the query shelf.
type shelfRow struct {
	name                    string
	books, low, high, total int64
}

func openShop(ctx context.Context, cfg config) (*shop, error) {
	for _, name := range []string{cfg.driver, cfg.bare} {
		if !slices.Contains(sql.Drivers(), name) {
			return nil, fmt.Errorf("there is no driver %q in this program, expected one of %q", name, sql.Drivers())
		}
	}
	s := &shop{config: cfg, progress: newProgress(cfg.progress)}
	var err error
	if s.plain, err = sql.Open(cfg.bare, cfg.dsn); err != nil {
		return nil, err
	}
	if s.cached, err = sql.Open(cfg.driver, cfg.dsn); err != nil {
		return nil, errors.Join(err, s.plain.Close())
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.disconnect())
	}
	if err := s.fill(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// connect makes sure that one driver caches and the other does not, and that
// both reach the database.
func (s *shop) connect(ctx context.Context) error {
	var ok bool
	if s.cache, ok = querycache.From(s.cached); !ok {
		return fmt.Errorf("driver %q has no cache, expected a driver of this module such as sqlitecache", s.driver)
	}
	if _, ok = querycache.From(s.plain); ok {
		return fmt.Errorf("driver %q is a caching driver, expected a plain one for -bare", s.bare)
	}
	if err := s.plain.PingContext(ctx); err != nil {
		return fmt.Errorf("connecting with %s: %w", s.bare, err)
	}
	if err := s.cached.PingContext(ctx); err != nil {
		return fmt.Errorf("connecting with %s: %w", s.driver, err)
	}
	return nil
}

func (s *shop) disconnect() error { return errors.Join(s.cached.Close(), s.plain.Close()) }

// fill makes the tables, in SQL that SQLite and PostgreSQL understand alike.
func (s *shop) fill(ctx context.Context) error {
	s.progress.phase(fmt.Sprintf("making %d books", s.books))
	// Through the caching driver: it then knows the tables.
	for _, text := range []string{
		`DROP TABLE IF EXISTS qc_quickstart_books`,
		`DROP TABLE IF EXISTS qc_quickstart_authors`,
		`CREATE TABLE qc_quickstart_authors (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL)`,
		`CREATE TABLE qc_quickstart_books (id INTEGER PRIMARY KEY, author INTEGER NOT NULL, title VARCHAR(40) NOT NULL, price INTEGER NOT NULL)`,
		fmt.Sprintf(`INSERT INTO qc_quickstart_authors WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
 SELECT i, 'author ' || i FROM n`, s.authors-1),
		fmt.Sprintf(`INSERT INTO qc_quickstart_books WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
 SELECT i, i %% %d, 'book ' || i, 500 + (i * 7919) %% 3000 FROM n`, s.books-1, s.authors),
		`CREATE INDEX qc_quickstart_by_author ON qc_quickstart_books (author)`,
	} {
		if _, err := s.cached.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("filling the shop: %w", err)
		}
	}
	return nil
}

// close drops the tables.
func (s *shop) close() error {
	_, err := s.cached.Exec(`DROP TABLE IF EXISTS qc_quickstart_books`)
	_, err2 := s.cached.Exec(`DROP TABLE IF EXISTS qc_quickstart_authors`)
	return errors.Join(err, err2, s.disconnect())
}

// read asks for an author's shelf.
func read(ctx context.Context, db *sql.DB, author int) (r shelfRow, err error) {
	err = db.QueryRowContext(ctx, shelf, author).Scan(&r.name, &r.books, &r.low, &r.high, &r.total)
	return r, err
}

// readFrom is read through the cache, with where the answer came from.
func (s *shop) readFrom(ctx context.Context, author int) (shelfRow, *querycache.Result, error) {
	ctx, res := querycache.WithResult(ctx)
	r, err := read(ctx, s.cached, author)
	return r, res, err
}
