package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Hint says that tags were bumped. It may be lost, come twice or come late:
// what it says is true, what it leaves out is found by the next SYNC.
type Hint struct {
	Epoch string
	Seq   uint64
	Tags  []string // "*" is everything
}

// quietFor is how long a subscription may be silent before the server is asked
// whether it is still there, and how long it may take to answer.
const quietFor = time.Second

var errEnded = errors.New("the server ended the subscription")

// Listen subscribes to the hints on a connection of its own. It calls ready
// when the server has confirmed that, then hint for each, in order and one at
// a time: hint should return soon. It returns when ctx ends, the tier is
// closed, or the connection fails, is silent for too long or is told that its
// slot has moved; the caller decides when to listen again. The error is never
// nil. Hints that come between two calls are lost.
func (t *Tier) Listen(ctx context.Context, hint func(Hint), ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.closed, cancel)()

	ps := t.control.Subscribe(ctx) // no connection yet
	// Closing is what interrupts a read of go-redis; nobody needs its error.
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(ended); _ = ps.Close() })
	defer func() {
		if stop() {
			_ = ps.Close()
		} else {
			<-ended
		}
	}()
	err := t.listen(ctx, ps, hint, ready)
	switch {
	case t.closed.Err() != nil:
		return ErrClosed
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	if ctx.Err() == nil {
		reload(t.control)
	}
	return fmt.Errorf("querycache: remote: listen: %w", err)
}

func (t *Tier) listen(ctx context.Context, ps *redis.PubSub, hint func(Hint), ready func()) error {
	subscribe := ps.Subscribe
	if t.server.sharded {
		subscribe = ps.SSubscribe
	}
	attach, cancel := context.WithTimeout(ctx, attachTimeout)
	err := subscribe(attach, t.keys.channel)
	cancel()
	if err != nil {
		return err
	}
	confirmed, asked := false, true // the subscription itself has to be answered
	for {
		message, err := hear(ctx, ps)
		if err != nil {
			if !isTimeout(err) || asked || ctx.Err() != nil {
				return err
			}
			if err := ps.Ping(ctx); err != nil {
				return err
			}
			asked = true
			continue
		}
		asked = false
		switch m := message.(type) {
		case *redis.Subscription:
			if strings.HasSuffix(m.Kind, "unsubscribe") {
				return errEnded
			}
			if !confirmed {
				confirmed = true
				ready()
			}
		case *redis.Message:
			if h, ok := parseHint(m.Payload); ok {
				t.counts.hints.Add(1)
				hint(h)
			}
		}
	}
}

// parseHint reads epoch, sequence number and tags, separated by NUL.
func parseHint(s string) (Hint, bool) {
	epoch, s, ok := strings.Cut(s, "\x00")
	if !ok || epoch == "" {
		return Hint{}, false
	}
	number, list, ok := strings.Cut(s, "\x00")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil {
		return Hint{}, false
	}
	h := Hint{Epoch: epoch, Seq: seq}
	for member := range strings.SplitSeq(list, "\x00") {
		tag, ok := tagOf(member)
		if !ok {
			return Hint{}, false
		}
		h.Tags = append(h.Tags, tag)
	}
	return h, true
}
