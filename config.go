package querycache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/internal/resultset"
	"github.com/querycache/querycache/internal/wrap"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/remote"
	"github.com/querycache/querycache/stampede"
)

// Defaults of [Config].
const (
	DefaultMaxRows         = 10_000
	DefaultMaxBytes        = 1 << 20
	DefaultCatalogInterval = time.Minute
	DefaultRefreshBeta     = stampede.DefaultBeta
	DefaultMaxLoads        = 64
)

// Config says what is cached and where. The zero value is usable: it caches
// only statements that carry a hint with ttl= and tables=, since without a
// Dialect nothing else can be proven safe. A Config is read once, by [New], and
// never modified. Numbers and durations below 0 are mistakes where nothing else
// is said.
type Config struct {
	// Dialect analyses the SQL: sqlite.Dialect(), for example. Default: a
	// lexical one, for which a read is cached only if its hint declares
	// tables=, and every write invalidates everything.
	Dialect dialect.Dialect

	// DefaultTTL is how long the answer of a cacheable read is kept that
	// neither its hint, its context nor a rule says anything about.
	// Default 0: such reads are not cached.
	DefaultTTL time.Duration

	// Rules give reads a lifetime by the tables they read. The first rule
	// that applies counts.
	Rules []Rule

	// Local configures the in-process tier; see [local.Config].
	Local local.Config

	// Redis is the shared tier: answers that other processes have read, and
	// what they have written. The client is the caller's own and stays open;
	// the cache makes connections of its own from its options. Default nil:
	// writes of other processes show when the lifetime of an answer ends.
	// With it, lifetimes are at most 24 hours.
	Redis remote.Client

	// FailUnannounced makes a write fail, with [invalidation.ErrUnannounced]
	// and before it is sent, if the other processes cannot be told of it
	// because Redis does not answer, 4.75 seconds after it last did. Default
	// false: it is sent, and they may show the old rows until Redis answers
	// again or, of tables that this process has not written before, until
	// their lifetime ends. Without Redis it changes nothing.
	FailUnannounced bool

	// SealKeys, 32 random bytes each, encrypt and authenticate what is stored
	// in Redis: the first seals, all open. A key of another length, of zeros
	// only, or given twice is a mistake. Default none: rows lie there in the
	// clear.
	SealKeys [][]byte

	// Namespace is put in front of every key. The server's identity is
	// always part of the key, so it is needed only to keep apart what
	// looks like one database and is not (two clones of one cluster).
	Namespace string

	// Conns bounds the real connections of each connector.
	Conns Conns

	// Session says what of a connection's session varies that the SQL text
	// does not show: a tenant that a hook of the connector sets, say. Answers
	// with different keys are never mixed up; ok false means that the
	// statement is not cached. It is called for every cacheable read, must
	// be quick and safe for concurrent use.
	//
	// Default nil: a connector that may run such hooks is not cached
	// (session_hook). If nothing varies, return "", true.
	Session func(ctx context.Context) (key string, ok bool)

	// MaxRows and MaxBytes bound one cached answer, MaxBytes by what it holds
	// on the heap. A statement that
	// exceeded them is remembered and not cached for ten minutes.
	// Defaults [DefaultMaxRows] and [DefaultMaxBytes].
	MaxRows  int
	MaxBytes int

	// RefreshBeta says how early an answer that is still asked for is loaded
	// anew, in the background, before its lifetime ends: at 1, one or two times
	// what its query takes; above 1 earlier, below 1 later. The moment is drawn
	// by chance (see [stampede.Early]), within the last fifth of the lifetime.
	// Default 0 means [DefaultRefreshBeta]; negative: never.
	RefreshBeta float64

	// MaxLoads bounds the queries that load answers at the same time, in all
	// databases of the Cache; reads that are not cached are not counted. Who
	// comes later waits, within its context, as long as loads end; when none
	// has for a second, at most as many again go on. Refreshes in the background
	// have as many places of their own, and do not wait. It is what protects
	// a database after all answers are gone at once, so set it to what yours can
	// do at a time, divided by the processes. Default [DefaultMaxLoads].
	MaxLoads int

	// CatalogInterval is how old a catalog may be for new answers, so that
	// schema changes that other processes made do not go unseen for longer.
	// It is read again in the background at half that age. Changes made
	// through this cache are known at once. Default
	// [DefaultCatalogInterval], at least one second.
	CatalogInterval time.Duration

	// Writes declares what functions of the database write, for those of which
	// the catalog does not say it: functions of triggers, volatile functions,
	// procedures. Keys are names with their schema ("public.audit", which means
	// all functions of that name) or, as in regprocedure, one of them
	// ("public.audit(integer, text)"). Values are the tables that it inserts
	// into, updates, deletes from or truncates by itself, none if it writes
	// nothing: what triggers and foreign keys of those tables do is followed.
	// A declaration also says that the function does not change the schema,
	// and, if it is one of triggers, that it leaves the search path, the role and
	// the temporary tables of its session as they are: where its text speaks of
	// those, it is not believed so far, and what the session then writes in a
	// transaction is asked for.
	//
	// Nobody checks it, but for SampleWrites: of a table that is missing,
	// answers are shown that are outdated, until their lifetime ends. A
	// name that the database does not know is logged once, and the
	// function counts as before: as a write of everything.
	Writes map[string][]string

	// NoWriteQuery keeps the cache from asking the database what a transaction
	// has written. By default it is asked before COMMIT, in one or two round
	// trips, if the transaction has set off what may write anything: a trigger,
	// a volatile function, DO, CALL. With it, that counts as a write of
	// everything, as it does outside of transactions.
	NoWriteQuery bool

	// SampleWrites is the share, from 0 to 1, of the transactions whose writes
	// are known that the database is asked about all the same, before COMMIT.
	// If it says that a table was written which was not known of, by a function
	// that is declared wrongly, say, that table is not cached any more in this
	// process, and a write of the tables that were known of counts as one of
	// everything. It is counted (Stats.WriteEscapes) and logged. Default 0; 1
	// is meant for tests.
	SampleWrites float64

	// Strict makes a hinted statement that is refused fail with a
	// [*RefusedError]. It is meant for tests.
	Strict bool

	// Logger receives what an operator should know, never rows, arguments
	// or credentials. Default slog.Default().
	Logger *slog.Logger

	declarations []dialect.Declaration // Writes, parsed, in the order of their names
}

// A Rule gives the reads of some tables a lifetime.
type Rule struct {
	// Tables are names as in SQL ("public.books"). The rule applies to a
	// read if every table that it reads, views followed, is listed; with
	// Off it applies if any is.
	Tables []string
	// TTL is the lifetime; required unless Off.
	TTL time.Duration
	// Off forbids caching, whatever hint or context say.
	Off bool
	// Stale is for how long after its lifetime an answer may still be shown,
	// as a [Stale] one: while a new one is being read in the background, while
	// the database cannot be reached, and, from when it was lost, without the
	// shared tier. It is never shown once a write of its tables is known of, or
	// once the database has refused to answer again.
	// Default 0: not at all.
	Stale time.Duration
	// MaxRows overrides Config.MaxRows if it is not 0.
	MaxRows int
	// KeepOnWrite, as the hint on_write=keep, lets answers live for their
	// lifetime although other processes write the tables: for tables that are
	// written all the time, where an old answer will do. Still they end at once
	// with a write through this Cache, with what anybody invalidates by
	// [Cache.Invalidate] and its like, with a schema change, and with a write
	// whose outcome is unknown. Reads under [WithNotBefore] do not get them.
	KeepOnWrite bool
}

// Conns bounds the real connections to the database, which are apart from the
// sql.DB's own limits: those count callers, answers from memory included.
type Conns struct {
	// Max is the largest number in use at a time; a statement that needs
	// one more waits, within its context. Default 0: no limit. Idle
	// connections that must stay with their user, because of what was SET
	// on them, are not counted.
	Max int
	// MaxIdle bounds the idle ones. Default 0: what sql.DB keeps idle
	// (SetMaxIdleConns) bounds them.
	MaxIdle int
	// MaxIdleTime and MaxLifetime close a connection unused for, or opened
	// before, that time, when it is next looked at. Default 0: never.
	// SetConnMaxIdleTime of the sql.DB works too, but hits count as use
	// there.
	MaxIdleTime, MaxLifetime time.Duration
}

// compile checks a Config and fills in its defaults. All mistakes are
// reported at once.
func (c Config) compile() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("querycache: "+format, args...))
	}
	count := func(name string, n int) {
		if n < 0 {
			wrong("Config.%s is %d, expected 0 or more", name, n)
		}
	}
	duration := func(name string, d time.Duration) {
		if d < 0 {
			wrong("Config.%s is %v, expected 0 or more", name, d)
		}
	}
	duration("DefaultTTL", c.DefaultTTL)
	count("MaxRows", c.MaxRows)
	count("MaxBytes", c.MaxBytes)
	count("MaxLoads", c.MaxLoads)
	count("Conns.Max", c.Conns.Max)
	count("Conns.MaxIdle", c.Conns.MaxIdle)
	duration("Conns.MaxIdleTime", c.Conns.MaxIdleTime)
	duration("Conns.MaxLifetime", c.Conns.MaxLifetime)
	if math.IsNaN(c.RefreshBeta) || math.IsInf(c.RefreshBeta, 0) {
		wrong("Config.RefreshBeta is %v, expected a number", c.RefreshBeta)
	}
	if c.CatalogInterval != 0 && c.CatalogInterval < time.Second {
		wrong("Config.CatalogInterval is %v, expected at least 1s", c.CatalogInterval)
	}
	if !(c.SampleWrites >= 0 && c.SampleWrites <= 1) { // so that NaN is wrong, too
		wrong("Config.SampleWrites is %v, expected 0 to 1", c.SampleWrites)
	}
	for i, r := range c.Rules {
		if len(r.Tables) == 0 {
			wrong("Config.Rules[%d].Tables is empty, expected at least one table", i)
		}
		for _, name := range r.Tables {
			if _, err := parseTable(name); err != nil {
				wrong("Config.Rules[%d].Tables: %w", i, err)
			}
		}
		if r.TTL <= 0 && !r.Off {
			wrong("Config.Rules[%d].TTL is %v, expected more than 0, or Off", i, r.TTL)
		}
		count(fmt.Sprintf("Rules[%d].MaxRows", i), r.MaxRows)
		duration(fmt.Sprintf("Rules[%d].Stale", i), r.Stale)
	}
	c.declarations = nil
	for _, name := range slices.Sorted(maps.Keys(c.Writes)) {
		d, err := parseDeclaration(name, c.Writes[name])
		if err != nil {
			wrong("Config.Writes[%q]: %w", name, err)
		}
		c.declarations = append(c.declarations, d)
	}
	errs = append(errs, c.Local.Validate())
	if c.Redis != nil {
		errs = append(errs, remote.Usable(c.Redis))
	}
	if len(c.SealKeys) > 0 {
		if _, err := resultset.NewSeal(c.SealKeys...); err != nil {
			wrong("Config.SealKeys: %w", err)
		}
	}

	if c.Dialect == nil {
		c.Dialect = dialect.Generic()
	}
	if c.MaxRows == 0 {
		c.MaxRows = DefaultMaxRows
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.RefreshBeta == 0 {
		c.RefreshBeta = DefaultRefreshBeta
	}
	if c.MaxLoads == 0 {
		c.MaxLoads = DefaultMaxLoads
	}
	if c.CatalogInterval == 0 {
		c.CatalogInterval = DefaultCatalogInterval
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Rules = append([]Rule(nil), c.Rules...)
	c.Writes = maps.Clone(c.Writes)
	return c, errors.Join(errs...)
}

func (c *Config) limits() resultset.Limits {
	return resultset.Limits{Rows: c.MaxRows, Bytes: c.MaxBytes}
}

func (c Conns) wrapped() wrap.Limits {
	return wrap.Limits{
		Max: c.Max, MaxIdle: c.MaxIdle,
		MaxIdleTime: c.MaxIdleTime, MaxLifetime: c.MaxLifetime,
	}
}
