package testserver

import (
	"context"
	"errors"
	"net"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// redisInfo returns the INFO of a server that serves.
func redisInfo(ctx context.Context, url string) (map[string]string, error) {
	client, err := redisClient(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	// INFO is answered while data is still being loaded, PING is not.
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, err
	}
	text, err := client.Info(ctx).Result()
	if err != nil {
		return nil, err
	}
	return fields(text), nil
}

// redisClient returns a client, to be closed, of a server that listens: of one
// that does not, the client would write to standard error.
func redisClient(ctx context.Context, url string) (*goredis.Client, error) {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return nil, errors.New("not a URL such as redis://user@host:6379/0") // and may hold a password
	}
	conn, err := new(net.Dialer).DialContext(ctx, options.Network, options.Addr)
	if err != nil {
		return nil, err
	}
	_ = conn.Close()
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ContextTimeoutEnabled = true
	return goredis.NewClient(options), nil
}

// fields returns what lines such as "role:master" say.
func fields(text string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}
