// Package local is the in-process tier: a cache bounded by bytes, with a
// lifetime per entry, over otter. It is generic and knows neither SQL nor
// versions: whether an entry is still right is for its user to judge.
package local

import (
	"errors"
	"fmt"
	"time"
)

// Defaults of [Config].
const (
	DefaultMaxBytes = 64 << 20
	DefaultJitter   = 0.15
)

// Config sizes a [Cache]. The zero value is usable.
type Config struct {
	// MaxBytes bounds what the entries hold on the heap, bookkeeping
	// included. Default [DefaultMaxBytes]; at least 0. When it is reached,
	// entries that are least likely to be used again make room.
	MaxBytes int64

	// IdleTime drops an entry that was not read for that long, before its
	// lifetime ends. Default 0: no such limit.
	IdleTime time.Duration

	// Jitter is the largest share by which [Cache.Jitter] shortens a lifetime,
	// so that entries stored together do not all expire together. Default 0
	// means [DefaultJitter]; below 1; negative: none.
	Jitter float64

	// OnRemoval, if set, is told of the entries that are removed, one after
	// the other, on a goroutine of its own; a panic in it is not recovered.
	// It may be slow for a while, not for ever: when 65,536 removals wait for
	// it, further ones are only counted, and Close waits for it.
	OnRemoval func(Removal)
}

// Validate reports all mistakes at once, each naming its field.
func (c Config) Validate() error {
	var errs []error
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("querycache: Local.MaxBytes is %d, expected 0 or more", c.MaxBytes))
	}
	if c.IdleTime < 0 {
		errs = append(errs, fmt.Errorf("querycache: Local.IdleTime is %v, expected 0 or more", c.IdleTime))
	}
	if c.Jitter >= 1 || c.Jitter != c.Jitter {
		errs = append(errs, fmt.Errorf("querycache: Local.Jitter is %v, expected less than 1", c.Jitter))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	switch {
	case c.Jitter == 0:
		c.Jitter = DefaultJitter
	case c.Jitter < 0:
		c.Jitter = 0
	}
	return c
}
