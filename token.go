package querycache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/querycache/querycache/invalidation"
)

// A Token stands for everything that this process has written, or knows to be
// written, in every database of the cache, for [WithNotBefore] in another
// process of the fleet. It is a short text that holds no rows and no credentials.
// Without a shared tier it is empty.
func (c *Cache) Token() string {
	at := make(map[string]invalidation.FleetStamp)
	for _, srv := range c.servers.all() {
		if f := srv.fleet.Load(); f != nil {
			at[srv.digest()] = f.node.Told()
		}
	}
	if len(at) == 0 {
		return ""
	}
	b, err := json.Marshal(at)
	if err != nil {
		panic("bug: strings and numbers do not marshal: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// WithNotBefore asks that reads under the context show what the token stands
// for. Where that is not known here yet, it is asked for, which takes one round
// trip to Redis; if that fails the read goes to the database (not_before). An
// empty token asks for nothing. The error says that the token is malformed.
func WithNotBefore(ctx context.Context, token string) (context.Context, error) {
	if token == "" {
		return ctx, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	at := make(map[string]invalidation.FleetStamp)
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil {
		return nil, fmt.Errorf("querycache: WithNotBefore: the token is malformed, expected one of Cache.Token")
	}
	return with(ctx, func(o *options) { o.notBefore = at }), nil
}

// digest names the server to other processes, and says nothing else.
func (s *server) digest() string {
	sum := sha256.Sum256([]byte(s.id))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// reached reports whether what the context's token stands for is known.
func (s *server) reached(ctx context.Context, opts *options) bool {
	if opts == nil || len(opts.notBefore) == 0 {
		return true
	}
	st, ok := opts.notBefore[s.digest()]
	if !ok {
		return true
	}
	f := s.fleet.Load()
	return f != nil && f.node.Reach(ctx, st)
}
