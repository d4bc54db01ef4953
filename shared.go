package querycache

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/remote"
)

// RegisterShared registers base under name with a cache that all databases
// opened under that name share: made when the first is opened, closed when the
// last is closed, configured by the environment (see [Environ]). It is what
// the dialect packages call from init for "sqlitecache" and the like, and like
// sql.Register it panics if the name is taken.
func RegisterShared(name string, base driver.Driver, d dialect.Dialect) {
	sql.Register(name, &sharedDriver{base: base, dialect: d, environ: os.LookupEnv})
}

var _ driver.DriverContext = (*sharedDriver)(nil)

type sharedDriver struct {
	base    driver.Driver
	dialect dialect.Dialect
	environ func(string) (string, bool)

	mu    sync.Mutex // guards following
	cache *Cache
	redis remote.Client // of the cache, nil without a shared tier
	users int
}

// Open implements driver.Driver. database/sql uses OpenConnector.
func (d *sharedDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("querycache: Open of a shared driver, expected OpenConnector as database/sql calls it")
}

// OpenConnector implements driver.DriverContext.
func (d *sharedDriver) OpenConnector(dsn string) (driver.Connector, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cache == nil {
		cfg, disabled, err := Environ(d.environ)
		if err != nil {
			return nil, err
		}
		cfg.Dialect = d.dialect
		d.redis = cfg.Redis
		if d.cache, err = New(cfg); err != nil {
			return nil, errors.Join(err, d.close())
		}
		d.cache.SetEnabled(!disabled)
		if cfg.Redis == nil {
			d.cache.cfg.Logger.Info("querycache: no shared tier: writes of other processes show after the TTL")
		}
	}
	connector, err := (&wrapped{cache: d.cache, base: d.base}).OpenConnector(dsn)
	if err != nil {
		if d.users == 0 {
			err = errors.Join(err, d.close())
		}
		return nil, err
	}
	d.users++
	return &sharedConnector{Connector: connector, driver: d}, nil
}

func (d *sharedDriver) leave() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users--; d.users > 0 {
		return nil
	}
	return d.close()
}

// close ends the cache and its connections. Its caller holds mu.
func (d *sharedDriver) close() (err error) {
	if d.cache != nil {
		err = d.cache.Close()
		d.cache = nil
	}
	if d.redis != nil {
		err = errors.Join(err, d.redis.Close())
		d.redis = nil
	}
	return err
}

// A sharedConnector counts as a user of its driver's cache until it is closed.
type sharedConnector struct {
	driver.Connector
	driver *sharedDriver
	once   sync.Once
}

// Close implements io.Closer; database/sql calls it from DB.Close.
func (k *sharedConnector) Close() (err error) {
	k.once.Do(func() {
		if c, ok := k.Connector.(interface{ Close() error }); ok {
			err = c.Close()
		}
		err = errors.Join(err, k.driver.leave())
	})
	return err
}

// Environ reads a Config from the environment, through a function like
// os.LookupEnv, and whether the cache is to start turned off:
//
//	QUERYCACHE_TTL          DefaultTTL, a duration such as 30s; default: only hints cache
//	QUERYCACHE_LOCAL_BYTES  Local.MaxBytes, a number of bytes
//	QUERYCACHE_NAMESPACE    Namespace
//	QUERYCACHE_REDIS_URL    Redis, as [remote.FromURL] reads it; the client is the caller's to close
//	QUERYCACHE_DISABLED     1 or true: start with the cache turned off; 0 or false: do not
//
// An empty value is none. A malformed one is an error that names the variable
// and says what was expected; all mistakes are reported at once.
func Environ(lookup func(string) (string, bool)) (cfg Config, disabled bool, err error) {
	var errs []error
	read := func(name, expected string, parse func(string) error) {
		if value, ok := lookup(name); ok && value != "" {
			if err := parse(value); err != nil {
				errs = append(errs, fmt.Errorf("querycache: %s=%q is malformed, expected %s", name, value, expected))
			}
		}
	}
	read("QUERYCACHE_TTL", "a duration of 0 or more, such as 30s", func(v string) (err error) {
		if cfg.DefaultTTL, err = time.ParseDuration(v); err == nil && cfg.DefaultTTL < 0 {
			err = errors.New("negative")
		}
		return err
	})
	read("QUERYCACHE_LOCAL_BYTES", "a number of bytes above 0", func(v string) (err error) {
		cfg.Local = local.Config{}
		if cfg.Local.MaxBytes, err = strconv.ParseInt(v, 10, 64); err == nil && cfg.Local.MaxBytes <= 0 {
			err = errors.New("not positive")
		}
		return err
	})
	if v, _ := lookup("QUERYCACHE_REDIS_URL"); v != "" {
		var err error
		if cfg.Redis, err = remote.FromURL(v); err != nil {
			// The value may hold a password; this error does not.
			errs = append(errs, fmt.Errorf("querycache: QUERYCACHE_REDIS_URL: %w", err))
		}
	}
	read("QUERYCACHE_DISABLED", "1, true, 0 or false", func(v string) (err error) {
		disabled, err = strconv.ParseBool(v)
		return err
	})
	cfg.Namespace, _ = lookup("QUERYCACHE_NAMESPACE")
	if err := errors.Join(errs...); err != nil {
		if cfg.Redis != nil {
			err = errors.Join(err, cfg.Redis.Close())
		}
		return Config{}, false, err
	}
	return cfg, disabled, nil
}
