package remote

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestKeys(t *testing.T) {
	seen := make(map[string]string)
	for _, ns := range []string{"a", "a:b", "a}b", "{a}", "a%3Ab", "a%", "a\x00", "ä", "app|postgres:7301:00000001:16384"} {
		k := newKeys(ns)
		entry := k.of([]byte{0xff, 0})
		for _, s := range []string{k.control, k.channel, entry} {
			if was, ok := seen[s]; ok {
				t.Errorf("%q and %q share %q", ns, was, s)
			}
			seen[s] = ns
			if strings.Count(s, "{") != 1 || strings.Count(s, "}") != 1 {
				t.Errorf("%q has more than its hash tag", s)
			}
		}
		if !strings.HasPrefix(k.control, "{qc:1/") || !strings.HasSuffix(k.control, "}:z") || k.channel != k.control+":c" ||
			!strings.HasPrefix(entry, "qc:1/") || !strings.HasSuffix(entry, ":3:{_wA}:e") {
			t.Errorf("%q, %q, %q", k.control, k.channel, entry)
		}
	}
}

func TestConfig(t *testing.T) {
	_, err := New(t.Context(), Config{Timeout: -1, FillBytes: -1})
	for _, field := range []string{"Client", "Namespace", "Timeout", "FillBytes"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	if _, err := New(t.Context(), Config{Client: ring, Namespace: "x"}); err == nil || !strings.Contains(err.Error(), "Ring") {
		t.Errorf("a Ring: %v", err)
	}
	if _, err := New(t.Context(), Config{Client: (*redis.Client)(nil), Namespace: "x"}); err == nil {
		t.Error("a nil client is taken")
	}
}
