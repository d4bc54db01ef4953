package cachetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect/postgres"
	"github.com/querycache/querycache/internal/testserver"
)

// DefaultWait is the default of [Options].Wait.
const DefaultWait = 30 * time.Second

// Options are what a test can say about its [Env]. The zero value is usable.
type Options struct {
	// Schema is SQL, any number of statements, that is run before there is a
	// cache.
	Schema string

	// Config changes the configuration of the caches. What it gets has the
	// dialect of PostgreSQL, the shared tier, a Namespace of the test's own, a
	// DefaultTTL of one minute, and a Logger that writes to the test's output.
	// Default nil: it stays so.
	Config func(*querycache.Config)

	// Open opens the database through a cache. Default nil: with pgx, as
	// sql.Open("pgxcache", dsn) does.
	Open func(cache *querycache.Cache, dsn string) (*sql.DB, error)

	// NoRedis leaves out the shared tier, and Redis is not started.
	NoRedis bool

	// Wait is how long [Read.Eventually] tries. Only a test that fails takes so
	// long. Default [DefaultWait].
	Wait time.Duration
}

// An Env is a database and a cache over it. Make it with [New]. It is safe for
// concurrent use; its fields are not to be changed.
type Env struct {
	// DB is the database through the cache: what the program is given.
	DB *sql.DB
	// Cache is what DB goes through.
	Cache *querycache.Cache
	// Bare is the same database past the cache. What is written there the
	// cache does not know of; what is read there is always what is true.
	Bare *sql.DB
	// DSN is the database's address, a URL without parameters.
	DSN string
	// Redis is a client of the shared tier; nil with Options.NoRedis.
	Redis *redis.Client

	options   Options
	namespace string
}

// New returns an environment for a test, which it fails if there cannot be one.
// It returns when the cache is in use: the first read of a statement comes from
// the database and the next from memory. All of it ends with the test.
func New(t testing.TB, options Options) *Env {
	t.Helper()
	if options.Wait <= 0 {
		options.Wait = DefaultWait
	}
	e := &Env{DSN: testserver.Postgres(t), options: options, namespace: rand.Text()}
	if !options.NoRedis {
		o, err := redis.ParseURL(testserver.Redis(t))
		if err != nil {
			t.Fatal(err)
		}
		e.Redis = redis.NewClient(o)
		t.Cleanup(func() { _ = e.Redis.Close() })
	}
	bare, err := sql.Open("pgx", e.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bare.Close() })
	e.Bare = bare
	for _, text := range []string{"CREATE SCHEMA cachetest; CREATE TABLE cachetest.ready (v int)", options.Schema} {
		if _, err := bare.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("cachetest: schema: %v", err)
		}
	}
	e.open(t)
	return e
}

// Second returns another cache on the same servers with the same options, as
// another process of the program would have: it answers from what the first
// has stored in Redis, and hears of what the first writes a moment later. It
// ends with t.
func (e *Env) Second(t testing.TB) *Env {
	t.Helper()
	second := *e
	second.open(t)
	return &second
}

// open gives e its cache.
func (e *Env) open(t testing.TB) {
	t.Helper()
	cfg := querycache.Config{
		Dialect: postgres.Dialect(), DefaultTTL: time.Minute, Namespace: e.namespace,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if e.Redis != nil {
		cfg.Redis = e.Redis
	}
	if e.options.Config != nil {
		e.options.Config(&cfg)
	}
	cache, err := querycache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	open := e.options.Open
	if open == nil {
		open = openPgx
	}
	db, err := open(cache, e.DSN)
	if err != nil {
		t.Fatalf("cachetest: opening the database: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	e.Cache, e.DB = cache, db
	e.settle(t)
}

func openPgx(cache *querycache.Cache, dsn string) (*sql.DB, error) {
	d, ok := cache.Driver(stdlib.GetDefaultDriver()).(driver.DriverContext)
	if !ok {
		return nil, errors.New("pgx has no connectors")
	}
	connector, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// settle waits until the catalog is read and Redis reached.
func (e *Env) settle(t testing.TB) {
	t.Helper()
	read := e.Query("SELECT /* cache: ttl=1m */ count(*) FROM cachetest.ready")
	e.poll(t, max(e.options.Wait, DefaultWait), func() string {
		ctx, res := querycache.WithResult(context.Background())
		err := read.run(ctx)
		reason := res.Reason()
		var refused *querycache.RefusedError
		if errors.As(err, &refused) { // Config.Strict
			reason, err = refused.Reason, nil
		}
		switch {
		case err != nil:
			return err.Error()
		case reason == querycache.ReasonCatalog, reason == querycache.ReasonLease:
			return fmt.Sprintf("the cache is not in use yet: %s", reason)
		case reason == "" && res.Source() != querycache.Local:
			return "nothing is kept"
		}
		return "" // also if the configuration does not want it
	})
}

// poll calls until there is no complaint.
func (e *Env) poll(t testing.TB, wait time.Duration, try func() string) {
	t.Helper()
	for end := time.Now().Add(wait); ; time.Sleep(5 * time.Millisecond) {
		complaint := try()
		if complaint == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", wait, complaint)
		}
	}
}
