package cachetest_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/querycache/querycache/integration/cachetest"
	"github.com/querycache/querycache/internal/testserver"
)

// TestContainers: where Docker is the only way, what a program under test talks
// to is in containers; where it is none, it is not.
func TestContainers(t *testing.T) {
	t.Parallel()
	env := cachetest.New(t, cachetest.Options{})
	dsn, err := url.Parse(env.DSN)
	if err != nil {
		t.Fatal(err)
	}
	ways := os.Getenv("QUERYCACHE_TEST_WAYS")
	for variable, addr := range map[string]string{
		"QUERYCACHE_TEST_POSTGRES": dsn.Host,
		"QUERYCACHE_TEST_REDIS":    env.Redis.Options().Addr,
	} {
		if os.Getenv(variable) != "" {
			continue // and where that server is, is not ours to say
		}
		id, err := testserver.Publisher(t.Context(), addr)
		switch {
		case ways == "docker" && id == "":
			t.Errorf("%s is in no container, %v", addr, err)
		case (ways == "local" || ways == "apt" || ways == "local,apt") && id != "":
			t.Errorf("%s is in container %s", addr, id)
		}
	}
}
