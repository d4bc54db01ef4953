package remote

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// A Tier is attached to one namespace in Redis, on behalf of one node. Make it
// with [New]. It is safe for concurrent use.
type Tier struct {
	keys    keys
	timeout time.Duration
	log     *slog.Logger

	user    Client
	control Client // SYNC and the subscription
	data    Client // entries
	shared  bool   // both are the user's: not closed

	server  server        // what the probe found
	turn    chan struct{} // holds one token while somebody has the turn
	own     ownRecord     // belongs to who has the turn, as control does
	breaker *breaker
	filler  *filler
	counts  counters

	closed context.Context // done when Close has been called
	close  context.CancelFunc
	once   sync.Once
	err    error
}

// New attaches to Redis. It asks the server once what it lets a script do, for
// at most a second. An error that is [ErrUnavailable] may pass; any other says
// what is wrong with the Config or the server.
func New(ctx context.Context, cfg Config) (*Tier, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	control, ours := copyClient(cfg.Client, cfg.Timeout, controlPool)
	data := cfg.Client
	if ours {
		data, _ = copyClient(cfg.Client, cfg.Timeout, 0)
	} else {
		cfg.Logger.Warn("querycache: the Redis client is of an unknown type: it is used as it is, with its own timeouts and retries")
	}
	t := &Tier{
		keys: newKeys(cfg.Namespace), timeout: cfg.Timeout, log: cfg.Logger,
		user: cfg.Client, control: control, data: data, shared: !ours,
		turn: make(chan struct{}, 1),
	}
	t.closed, t.close = context.WithCancel(context.Background())
	t.breaker = newBreaker(time.Now, t.breakerChanged)
	var err error
	if t.server, err = t.probe(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	if t.server.mode == Witness {
		t.log.Warn("querycache: Redis does not tell scripts its run_id: a restart from an old snapshot while no node runs would go unnoticed",
			"because", t.server.refusal)
	}
	t.filler = newFiller(t, cfg.FillBytes)
	return t, nil
}

// Close ends the subscription, waits for a [Tier.Sync] that is under way and,
// for at most Config.Timeout, for entries that wait to be written, and ends the
// tier's goroutine and connections. The user's client stays open. It is
// idempotent; operations afterwards, bar Sync, fail with [ErrClosed].
func (t *Tier) Close() error {
	t.once.Do(func() {
		t.close()
		if t.filler != nil {
			t.filler.close()
		}
		t.turn <- struct{}{}
		defer func() { <-t.turn }()
		if !t.shared {
			t.err = errors.Join(t.control.Close(), t.data.Close())
		}
	})
	return t.err
}

// breakerChanged does not tell of the attempts in between.
func (t *Tier) breakerChanged(from, to State) {
	switch {
	case from == Closed:
		t.log.Warn("querycache: Redis does not answer in time: entries are not asked for until it does")
	case to == Closed:
		t.log.Info("querycache: Redis answers again")
	}
}
