package remote

import (
	"errors"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"
)

// FromURL returns a client for a URL: redis://user:password@host:6379/0, rediss://
// for TLS, or redis+cluster:// and rediss+cluster:// with one node of a Cluster,
// more as parameters addr=host:port. The error does not hold the URL, which may
// hold a password.
func FromURL(address string) (Client, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	if plain, ok := strings.CutSuffix(scheme, "+cluster"); ok {
		address = plain + "://" + rest
		o, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, errURL
		}
		if u, err := url.Parse(address); err != nil || strings.Trim(u.Path, "/") != "" && strings.Trim(u.Path, "/") != "0" {
			return nil, errClusterURL
		}
		return redis.NewClusterClient(o), nil
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, errURL
	}
	return redis.NewClient(o), nil
}

var (
	errURL        = errors.New("querycache: remote: the URL is malformed, expected redis://user:password@host:6379/0, rediss:// or redis+cluster://")
	errClusterURL = errors.New("querycache: remote: the URL names a database of a Cluster, expected none, since a Cluster has database 0 only")
)
