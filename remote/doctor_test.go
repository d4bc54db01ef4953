package remote

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
	"github.com/redis/go-redis/v9"
)

func codes(findings []Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, f.Severity.String()+" "+f.Code)
	}
	slices.Sort(list)
	return list
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options []string
		user    string
		want    []string
	}{
		{"as recommended", []string{"maxmemory 100mb", "maxmemory-policy volatile-lru", "appendonly yes"}, "", nil},
		{"default", nil, "", []string{"info maxmemory", "info persistence"}},
		{"allkeys", []string{"maxmemory 100mb", "maxmemory-policy allkeys-lru", "appendonly yes"}, "", []string{"warning eviction"}},
		{"noeviction", []string{"maxmemory 100mb", "appendonly yes", "appendfsync no"}, "", []string{"info appendfsync", "warning eviction"}},
		{"minimal user", []string{minimalUser}, "u:p@", []string{"info config_unreadable", "info maxmemory", "info persistence"}},
		{"no info", []string{"user u on >p ~* &* +@all -info"}, "u:p@", []string{"warning info_unreadable", "warning witness", "problem acl"}},
		{"no zadd", []string{"user u on >p ~* &* +@all -acl -zadd", "appendonly yes", "maxmemory 100mb", "maxmemory-policy volatile-ttl"}, "u:p@", []string{"problem acl"}},
		{"no zadd, dry", []string{"user u on >p ~* &* +@all -zadd", "appendonly yes", "maxmemory 100mb", "maxmemory-policy volatile-ttl"}, "u:p@", []string{"problem acl"}},
		{"no subscribe", []string{"user u on >p ~* &* +@all -acl -subscribe", "appendonly yes", "maxmemory 100mb", "maxmemory-policy volatile-ttl"}, "u:p@", []string{"problem acl"}},
		{"no scripts", []string{"user u on >p ~* &* +@all -@scripting", "appendonly yes", "maxmemory 100mb", "maxmemory-policy volatile-ttl"}, "u:p@", []string{"problem acl", "problem script"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := testserver.NewRedis(t, tt.options...)
			findings := Check(t.Context(), dial(t, "redis://"+tt.user+s.Addr()), "x")
			want := slices.Sorted(slices.Values(tt.want))
			if got := codes(findings); !slices.Equal(got, want) {
				t.Errorf("%q, want %q: %+v", got, want, findings)
			}
			if keys := dialServer(t, s).Keys(t.Context(), "*").Val(); len(keys) > 1 { // one lives for seconds
				t.Errorf("it leaves %q", keys)
			}
		})
	}
}

func TestCheckFails(t *testing.T) {
	t.Parallel()
	s := testserver.NewRedis(t)
	replica := testserver.Replica(t, s)
	client := dialServer(t, s)
	if got := codes(Check(t.Context(), dialServer(t, replica), "x")); !slices.Contains(got, "problem replica") || !slices.Contains(got, "problem script") {
		t.Errorf("a replica: %q", got)
	}
	if got := codes(Check(t.Context(), client, "x")); !slices.Contains(got, "warning min_replicas") {
		t.Errorf("without min-replicas-to-write: %q", got)
	}
	if got := codes(Check(t.Context(), nil, "")); !slices.Equal(got, []string{"problem config"}) {
		t.Errorf("without a client: %q", got)
	}
	s.Kill()
	if got := codes(Check(t.Context(), client, "x")); !slices.Equal(got, []string{"problem unreachable"}) {
		t.Errorf("a dead server: %q", got)
	}
}

// minimalUser is what doctor and documentation say suffices.
const minimalUser = "user u on >p ~{qc:* ~qc:* &{qc:* +eval +evalsha +info +time +zrange +zadd +zrem +zrangebyscore +zremrangebyscore +zscore +zcard +publish +spublish +subscribe +ssubscribe +get +getrange +set +del +ping +hello"

func TestMinimalUser(t *testing.T) {
	t.Parallel()
	s := testserver.NewRedis(t, minimalUser)
	tier := attach(t, Config{Client: dial(t, "redis://u:p@"+s.Addr()), Namespace: "a b:{c}"})
	a := newNode(t, tier, "a")
	hints, _ := listen(t, t.Context(), tier)
	a.sync("x")
	receive(t, hints, 5*time.Second)
	tier.Set([]byte("k"), []byte("v"), time.Minute)
	await(t, "the entry", func() bool { v, err := tier.Get(t.Context(), []byte("k")); return err == nil && v != nil })
	if got := tier.Stats(); got.Mode != RunID || got.Get.Errors+got.Set.Errors+got.Sync.Errors != 0 {
		t.Errorf("%+v", got)
	}
}

func TestNewFails(t *testing.T) {
	t.Parallel()
	s := testserver.NewRedis(t,
		"user noscript on >p ~* &* +@all -eval -evalsha",
		"user nozrem on >p ~* &* +@all -zrem",
		"user nokeys on >p ~other &* +@all",
	)
	for _, user := range []string{"noscript:p@", "nozrem:p@", "nokeys:p@"} {
		_, err := New(t.Context(), Config{Client: dial(t, "redis://"+user+s.Addr()), Namespace: "x"})
		if err == nil || errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "script") {
			t.Errorf("%s %v", user, err)
		}
	}
	_, err := New(t.Context(), Config{Client: dial(t, "redis://nobody:secret@"+s.Addr()), Namespace: "x"})
	if err == nil || errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("wrong password: %v", err)
	}
	client := dialServer(t, s)
	s.Stop()
	start := time.Now()
	_, err = New(t.Context(), Config{Client: client, Namespace: "x"})
	if !errors.Is(err, ErrUnavailable) || time.Since(start) > attachTimeout+2*time.Second {
		t.Errorf("a stopped server, after %v: %v", time.Since(start), err)
	}
	s.Cont()
	s.Kill()
	if _, err := New(t.Context(), Config{Client: client, Namespace: "x"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a dead server: %v", err)
	}
}

// other is a Client of an unknown type.
type other struct{ *redis.Client }

func TestUnknownClient(t *testing.T) {
	client := dial(t, testserver.Redis(t))
	tier := attach(t, Config{Client: other{client}, Timeout: time.Second})
	newNode(t, tier, "a").sync("x")
	if err := tier.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(context.Background()).Err(); err != nil {
		t.Errorf("the user's client was closed: %v", err)
	}
}
