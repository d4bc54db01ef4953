package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// What go-redis reads it believes, and it panics where a server, or what stands
// between, says what no server does: in goroutines of ours, too.

var errMalformed = errors.New("a malformed reply")

// rescue makes an error of a panic. It is deferred.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errMalformed, p)
	}
}

func hear(ctx context.Context, ps *redis.PubSub) (message any, err error) {
	defer rescue(&err)
	return ps.ReceiveTimeout(ctx, quietFor)
}

func execute(ctx context.Context, pipe redis.Pipeliner) (err error) {
	defer rescue(&err)
	_, err = pipe.Exec(ctx)
	return err
}

func runSync(ctx context.Context, c Client, z string, args []any) (values []any, err error) {
	defer rescue(&err)
	return script().Run(ctx, c, []string{z}, args...).Slice()
}

func (t *Tier) get(ctx context.Context, c Client, key []byte) (payload []byte, err error) {
	defer rescue(&err)
	return t.payload(t.ask(ctx, c, key))
}
