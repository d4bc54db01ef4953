package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newShop is a small shop whose answers the cache keeps.
func newShop(t *testing.T) *shop {
	t.Helper()
	cfg := small()
	cfg.bare, cfg.dsn = "sqlite", tempDSN(t)
	s, err := openShop(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	if err := s.known(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func tempDSN(t *testing.T) string {
	return filepath.Join(t.TempDir(), "mine.db") + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"
}

// Written past the cache, an answer in memory is wrong until its lifetime
// ends: the check must notice, or it proves nothing.
func TestCheckFindsStaleAnswers(t *testing.T) {
	s := newShop(t)
	for author := range s.authors {
		if _, _, err := s.readFrom(t.Context(), author); err != nil {
			t.Fatal(err)
		}
	}
	r := &report{config: s.config}
	if err := s.check(t.Context(), r); err != nil || r.fromMemory == 0 {
		t.Fatalf("nothing was written past the cache: %d answers from memory, %v", r.fromMemory, err)
	}
	if _, err := s.plain.Exec(reprice, 3); err != nil {
		t.Fatal(err)
	}
	if err := s.check(t.Context(), r); err == nil || !strings.Contains(err.Error(), "author 3") {
		t.Errorf("a stale answer passed the check: %v", err)
	}
}

// An interrupted run leaves nothing: no folder of its own, no table in a
// database of the user's.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, dsn := range []string{"", tempDSN(t)} {
		cfg := small()
		cfg.dsn, cfg.phase = dsn, time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		cfg.progress = onWrite(func(line string) {
			if strings.Contains(line, "without") {
				cancel()
			}
		})
		if _, err := run(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that it was cancelled", err)
		}
		if dsn != "" {
			if left := tables(t, dsn); len(left) > 0 {
				t.Errorf("left in the user's database: %q", left)
			}
		}
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// A cache that can keep nothing is an error, not an endless wait.
func TestKeepsNothing(t *testing.T) {
	t.Setenv("QUERYCACHE_LOCAL_BYTES", "1")
	cfg := small()
	cfg.patience = 200 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := run(ctx, cfg); err == nil || !strings.Contains(err.Error(), "not kept") {
		t.Errorf("error %v does not say that nothing is kept", err)
	}
}

// tables lists everything in the schema of a SQLite database.
func tables(t *testing.T, dsn string) (names []string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM sqlite_schema")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

type onWrite func(string)

func (f onWrite) Write(p []byte) (int, error) { f(string(p)); return len(p), nil }
