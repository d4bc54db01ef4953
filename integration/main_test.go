package integration

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// memberVariable turns the test binary into a process of a fleet.
const memberVariable = "QUERYCACHE_INTEGRATION_MEMBER"

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	switch {
	case os.Getenv(memberVariable) != "":
		serve(os.Stdin, os.Stdout)
		return
	case os.Getenv(crowdVariable) != "":
		serveCrowd(os.Stdin, os.Stdout)
		return
	}
	code := m.Run()
	if testing.Verbose() {
		results.print(os.Stdout)
	}
	os.Exit(code)
}

// quiet is for go-redis, which tells of each connection that fails.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// The times of the protocol, as in package querycache.
const (
	poll     = 250 * time.Millisecond
	longPoll = poll * 6 / 5 // polls are jittered
	lease    = time.Second
	deadline = 5 * time.Second
	timeout  = 50 * time.Millisecond
)

// observe is d, or longer if the environment asks for it.
func observe(d time.Duration) time.Duration {
	if n, err := strconv.Atoi(os.Getenv("QUERYCACHE_TEST_INTEGRATION")); err == nil && n > 1 {
		return d * time.Duration(n)
	}
	return d
}
