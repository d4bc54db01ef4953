package remote

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Client is a go-redis client: of a single server, of Sentinel, or of a
// Cluster.
type Client = redis.UniversalClient

// Defaults of [Config], and what cannot be configured.
const (
	DefaultTimeout   = 50 * time.Millisecond
	DefaultFillBytes = 8 << 20
	attachTimeout    = time.Second
)

// Errors of a [Tier], to be found with errors.Is.
var (
	// ErrUnavailable says that Redis was not asked, or did not answer in a
	// way that settles anything. Trying again later is sensible.
	ErrUnavailable = errors.New("querycache: remote: Redis is unavailable")
	// ErrClosed says that the tier is closed.
	ErrClosed = errors.New("querycache: remote: closed")
)

// A Config says how the tier is attached.
type Config struct {
	// Client is the user's. It is never closed here, and has to stay open for
	// as long as the tier is if it is a Sentinel client, whose discovery is
	// shared. Required.
	//
	// A Ring is refused, since its keys move when a shard fails. So is a
	// client that reads from replicas, unless it is a Cluster client, whose
	// copy is made to use primaries. A Client of an unknown type is used as it
	// is, with its own retries and timeouts.
	Client Client

	// Namespace tells databases apart that share a Redis: the user's prefix
	// and the identity of the database server. Any bytes. Required.
	Namespace string

	// Timeout bounds every operation except attaching, which may take a
	// second. Default 0 means [DefaultTimeout].
	Timeout time.Duration

	// FillBytes bounds the keys and payloads that wait to be written.
	// Default 0 means [DefaultFillBytes]. An entry that is larger is not
	// written.
	FillBytes int

	// Logger is told of changes of state, never of keys or payloads.
	// Default nil: nobody.
	Logger *slog.Logger
}

// validate reports all mistakes at once, each naming its field.
func (c Config) validate() error {
	errs := []error{Usable(c.Client)}
	if strings.TrimSpace(c.Namespace) == "" {
		errs = append(errs, errors.New("querycache: remote: Namespace is empty: without one, databases that share a Redis would answer for each other; set it to what identifies the database"))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("querycache: remote: Timeout is negative, expected 0 or more"))
	}
	if c.FillBytes < 0 {
		errs = append(errs, errors.New("querycache: remote: FillBytes is negative, expected 0 or more"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.FillBytes == 0 {
		c.FillBytes = DefaultFillBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
