// Quickstart shows the main job of querycache: the same program, first with a
// plain driver, then with the caching one. By default it needs nothing but a
// temporary folder for SQLite:
//
//	go run ./examples/quickstart
//
// PostgreSQL is chosen with -driver and -dsn, another driver by linking it into
// the program. The tables it makes there begin with qc_quickstart_ and are dropped
// at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "github.com/querycache/querycache/dialect/postgres" // registers "pgxcache", and links "pgx"
	_ "github.com/querycache/querycache/dialect/sqlite"   // registers "sqlitecache", and links "sqlite"
)

// A config sizes the show.
type config struct {
	driver, bare, dsn string
	authors, books    int
	readers           int
	phase             time.Duration // of each of the two runs
	pause             time.Duration // between two writes
	cold              int           // readers on one cold key
	patience          time.Duration // for the cache to keep its first answer
	progress          io.Writer
}

func defaults() config {
	return config{
		driver: "sqlitecache", authors: 2000, books: 120_000, readers: 8,
		phase: 4 * time.Second, pause: 500 * time.Millisecond, cold: 500, patience: 10 * time.Second, progress: os.Stderr,
	}
}

func main() {
	cfg, err := parse(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = show(cfg)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func show(cfg config) error {
	// What only informs is left out: the report says it.
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := run(ctx, cfg)
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	if err != nil {
		return err
	}
	report.print(os.Stdout)
	return nil
}

// run does everything and cleans up after itself.
func run(ctx context.Context, cfg config) (r *report, err error) {
	if cfg.bare == "" {
		cfg.bare = strings.TrimSuffix(strings.TrimSuffix(cfg.driver, "cache"), "-")
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.dsn == "" {
		var dir string
		if dir, err = os.MkdirTemp("", "querycache-quickstart-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		cfg.dsn = filepath.Join(dir, "shop.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)"
	}
	s, err := openShop(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	defer s.progress.end()
	return s.show(ctx)
}
