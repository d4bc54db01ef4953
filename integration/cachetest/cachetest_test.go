package cachetest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/integration/cachetest"
)

func TestExample(t *testing.T) {
	t.Parallel()
	for range 4 {
		start := time.Now()
		said := failure(t, testShop)
		if said == "" {
			return
		}
		t.Log(said)
		// On a busy machine, Redis may be too late, or not heard of; and five seconds
		// after it was first met, it ends all answers once.
		if !strings.Contains(said, "Redis has not answered") && !strings.Contains(said, string(querycache.ReasonLease)) && time.Since(start) < 4*time.Second {
			break
		}
	}
	t.Error("the example fails")
}

const goods = "CREATE TABLE goods (id int PRIMARY KEY, price int); INSERT INTO goods VALUES (7, 100)"

// TestFailures: what is not so fails the test, and says why it is not.
func TestFailures(t *testing.T) {
	t.Parallel()
	env := cachetest.New(t, cachetest.Options{Schema: goods, NoRedis: true, Wait: 200 * time.Millisecond})
	const query = "SELECT price FROM goods"
	prices := env.Query(query)
	prices.From(t, querycache.Database)
	prices.From(t, querycache.Local)
	prices.From(t, querycache.Remote, querycache.Local)
	env.Query("SELECT price FROM goods WHERE now() > '2000-01-01'").Refused(t, dialect.ReasonClock)

	call := func(f func(ctx context.Context) error) *cachetest.Read { return env.Call(f) }
	nothing := call(func(context.Context) error { return nil })
	fails := call(func(context.Context) error { return errors.New("no such price") })
	loses := call(func(context.Context) error {
		_, err := env.DB.ExecContext(t.Context(), query)
		return err
	})
	for name, step := range map[string]struct {
		do   func(t testing.TB)
		want []string
	}{
		"from memory": {
			func(t testing.TB) { prices.From(t, querycache.Database, querycache.Remote) },
			[]string{query, "from local", "lifetime of 1m0s", "want it from database or remote", "depends on public.goods"},
		},
		"never read": {
			func(t testing.TB) {
				env.Query("SELECT price + 1 FROM goods").From(t, querycache.Local)
			},
			[]string{"from database", "no answer that is valid", "want it from local"},
		},
		"not cacheable": {
			func(t testing.TB) {
				env.Query("SELECT price FROM goods WHERE now() > '2000-01-01'").From(t, querycache.Local)
			},
			[]string{"from database", "not cached: clock_function", "want it from local"},
		},
		"cacheable": {
			func(t testing.TB) { prices.Refused(t, dialect.ReasonClock) },
			[]string{"from local", "want it refused: clock_function"},
		},
		"refused for something else": {
			func(t testing.TB) {
				env.Query("SELECT price FROM goods FOR UPDATE").Refused(t, dialect.ReasonClock)
			},
			[]string{"from database", "want it refused: clock_function"},
		},
		"an error of SQL":       {func(t testing.TB) { env.Query("SELECT nothing FROM goods").From(t, querycache.Database) }, []string{"nothing"}},
		"an error":              {func(t testing.TB) { fails.From(t, querycache.Local) }, []string{"no such price"}},
		"an error, to the end":  {func(t testing.TB) { fails.Eventually(t) }, []string{"after 200ms", "no such price"}},
		"a source, to the end":  {func(t testing.TB) { prices.Eventually(t, querycache.Remote) }, []string{"after 200ms", "from local", "want it from remote"}},
		"no statement":          {func(t testing.TB) { nothing.From(t, querycache.Local) }, []string{"no statement was run"}},
		"the context is lost":   {func(t testing.TB) { loses.From(t, querycache.Local) }, []string{"no statement was run"}},
		"a schema with mistake": {func(t testing.TB) { cachetest.New(t, cachetest.Options{Schema: "CREATE TABEL"}) }, []string{"schema", "TABEL"}},
		"a database that does not open": {func(t testing.TB) {
			cachetest.New(t, cachetest.Options{Open: func(*querycache.Cache, string) (*sql.DB, error) { return nil, errors.New("no way in") }})
		}, []string{"no way in"}},
	} {
		said := failure(t, step.do)
		if said == "" {
			t.Errorf("%s: it does not fail", name)
		}
		for _, want := range step.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: it says %q, without %q", name, said, want)
			}
		}
	}
}

// TestOptions: what a test can change.
func TestOptions(t *testing.T) {
	t.Parallel()
	env := cachetest.New(t, cachetest.Options{
		Schema:  goods,
		NoRedis: true,
		Config: func(c *querycache.Config) {
			c.DefaultTTL, c.Strict = 0, true
			if c.Redis != nil {
				t.Error("there is a Redis")
			}
		},
	})
	env.Query("SELECT price FROM goods").Refused(t, querycache.ReasonNoTTL)
	hinted := env.Query("SELECT /* cache: ttl=1m */ price FROM goods")
	hinted.From(t, querycache.Database)
	hinted.From(t, querycache.Local)
	second := env.Second(t)
	second.Query("SELECT /* cache: ttl=1m */ price FROM goods").From(t, querycache.Database)

	// Past the cache.
	if _, err := env.Bare.ExecContext(t.Context(), "UPDATE goods SET price = 1"); err != nil {
		t.Fatal(err)
	}
	hinted.From(t, querycache.Local)
	if err := env.Cache.Invalidate(t.Context(), "goods"); err != nil {
		t.Fatal(err)
	}
	hinted.From(t, querycache.Database)
}

// failure returns what a test says that f fails.
func failure(t *testing.T, f func(t testing.TB)) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { defer close(done); f(r) }()
	<-done
	return r.said
}

// recorder is a test that may fail without failing the one that it is part of.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Fatal(args ...any)                 { r.said = fmt.Sprint(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }
