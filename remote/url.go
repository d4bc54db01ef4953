package remote

import (
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// FromURL returns a client for a URL: redis://user:password@host:6379/0, rediss://
// for TLS, or redis+cluster:// and rediss+cluster:// with one node of a Cluster,
// more as parameters addr=host:port. The error does not hold the URL, which may
// hold a password.
func FromURL(url string) (Client, error) {
	scheme, rest, _ := strings.Cut(url, "://")
	if plain, ok := strings.CutSuffix(scheme, "+cluster"); ok {
		o, err := redis.ParseClusterURL(plain + "://" + rest)
		if err != nil {
			return nil, errURL
		}
		return redis.NewClusterClient(o), nil
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errURL
	}
	return redis.NewClient(o), nil
}

var errURL = fmt.Errorf("querycache: remote: the URL is malformed, expected redis://user:password@host:6379/0, rediss:// or redis+cluster://")
