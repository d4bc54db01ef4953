package remote

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache/internal/testserver"
	"github.com/redis/go-redis/v9"
)

// BenchmarkGet takes turns with the bare command on the same client, so that
// what else the machine does slows both: ratio is the figure to look at.
func BenchmarkGet(b *testing.B) {
	tier := attach(b, Config{Client: dial(b, testserver.Redis(b))})
	key := make([]byte, 32)
	name := tier.EntryKey(key)
	if err := tier.data.Set(b.Context(), name, make([]byte, 1024), time.Hour).Err(); err != nil {
		b.Fatal(err)
	}
	var raw, own time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if _, err := tier.data.Get(b.Context(), name).Bytes(); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if v, err := tier.Get(b.Context(), key); err != nil || v == nil {
			b.Fatal(err)
		}
		raw += middle.Sub(start)
		own += time.Since(middle)
	}
	b.ReportMetric(float64(raw.Nanoseconds())/float64(b.N), "raw-ns")
	b.ReportMetric(float64(own.Nanoseconds())/float64(b.N), "tier-ns")
	b.ReportMetric(float64(own)/float64(raw), "ratio")
}

// BenchmarkSync reports also what the server spends, by its own account.
func BenchmarkSync(b *testing.B) {
	s := testserver.NewRedis(b)
	client := dialServer(b, s)
	tier := attach(b, Config{Client: client})
	n := newNodeD(b, tier, "0123456789abcdef", 5*time.Second)
	run := func(name string, before func(), bump ...string) {
		b.Run(name, func(b *testing.B) {
			client.ConfigResetStat(b.Context())
			b.ReportAllocs()
			for b.Loop() {
				before()
				n.sync(bump...)
			}
			b.ReportMetric(perCall(b, client), "server-us")
		})
	}
	nothing := func() {}
	run("idle", nothing)
	n.r.Record = []string{"public.books", "public.authors", "public.reviews"}
	run("idle 3 tags in the record", nothing)
	run("bump", nothing, "public.books")
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprint("public.t", i)
	}
	n.sync(many...)
	run("idle of 1000 tags", nothing)
	run("all of 1000 tags", func() { n.r.After = 0 })
}

// perCall returns the microseconds of an EVALSHA.
func perCall(b *testing.B, client *redis.Client) float64 {
	_, s, _ := strings.Cut(client.Info(b.Context(), "commandstats").Val(), "cmdstat_evalsha:")
	_, s, _ = strings.Cut(s, "usec_per_call=")
	s, _, _ = strings.Cut(s, ",")
	us, err := strconv.ParseFloat(s, 64)
	if err != nil {
		b.Fatal(err)
	}
	return us
}

func BenchmarkBreaker(b *testing.B) {
	br := newBreaker(time.Now, func(_, _ State) {})
	for b.Loop() {
		p, _ := br.allow()
		br.done(p, answered)
	}
}
