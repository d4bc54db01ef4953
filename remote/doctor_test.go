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

// finds checks until what is found is right: a question that a busy machine does
// not answer in time is another finding.
func finds(t *testing.T, client Client, right func(codes []string) bool, want ...string) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		findings := Check(t.Context(), client, "x")
		if right(codes(findings)) {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%q, want %q: %+v", codes(findings), want, findings)
			return
		}
	}
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
			want := slices.Sorted(slices.Values(tt.want))
			finds(t, dial(t, "redis://"+tt.user+s.Addr()), func(got []string) bool { return slices.Equal(got, want) }, tt.want...)
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
	finds(t, dialServer(t, replica), func(got []string) bool {
		return slices.Contains(got, "problem replica") && slices.Contains(got, "problem script")
	}, "problem replica", "problem script")
	finds(t, client, func(got []string) bool { return slices.Contains(got, "warning min_replicas") }, "warning min_replicas")
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
	receive(t, hints, patience)
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
		_, err := settled(t, Config{Client: dial(t, "redis://"+user+s.Addr()), Namespace: "x"})
		if err == nil || !strings.Contains(err.Error(), "script") {
			t.Errorf("%s %v", user, err)
		}
	}
	_, err := settled(t, Config{Client: dial(t, "redis://nobody:secret@"+s.Addr()), Namespace: "x"})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("wrong password: %v", err)
	}
	client := dialServer(t, s)
	s.Stop()
	start := time.Now()
	_, err = New(t.Context(), Config{Client: client, Namespace: "x"})
	if !errors.Is(err, ErrUnavailable) || time.Since(start) > attachTimeout+patience/4 {
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
	tier := attach(t, Config{Client: other{client}})
	newNode(t, tier, "a").sync("x")
	if err := tier.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(context.Background()).Err(); err != nil {
		t.Errorf("the user's client was closed: %v", err)
	}
}
