package integration

import (
	"cmp"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/testserver"
)

// soakVariable is for how long TestSoak makes faults: a duration.
const soakVariable = "QUERYCACHE_TEST_SOAK"

// TestSoak lets processes read and write at random while one random fault comes
// after the other, and then judges all of it at once. By default it takes a few
// faults' time; see make soak.
func TestSoak(t *testing.T) {
	length, seed := 10*time.Second, uint64(time.Now().UnixNano())
	if text := os.Getenv(soakVariable); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
	}
	t.Logf("%v of faults, seed %d", length, seed)
	s := &soak{rng: rand.New(rand.NewPCG(seed, 0)), server: testserver.NewRedis(t, "appendonly yes"), database: testserver.NewPostgres(t)}
	s.admin = dial(t, s.server.Addr())
	s.fleet = newFleetOn(t, s.database.DSN(), s.server.Addr(), 8, 4, func(i int, c *memberConfig) {
		own(i%4, c) // one that takes the place of another too
		c.ReadPause, c.WritePause, c.Bypass = 10_000, 200_000, 10
	})
	s.begin()
	time.Sleep(2 * poll) // connections are made, and memory is used
	s.measure()
	s.begin()
	began := time.Now()
	var deck []fault
	for time.Since(began) < length {
		if len(deck) == 0 {
			deck = s.shuffled(length)
		}
		s.make(deck[0])
		deck = deck[1:]
	}
	s.halt()
	s.measure()
	s.dismiss()
	s.report(time.Since(began))
}

// A soak is a fleet and what can be broken of it.
type soak struct {
	*fleet
	rng      *rand.Rand
	server   *testserver.RedisServer
	admin    *redis.Client
	database *testserver.PostgresServer
}

// A fault is a kind of trouble.
type fault struct {
	name string
	// long ones take more than a few seconds.
	long bool
	// works: Redis does, and so does the way to it.
	works bool
	// fails: queries meet the fault, as they would without a cache.
	fails bool
	// prepare draws what it will be, and returns how to make it and what is
	// promised meanwhile.
	prepare func(s *soak) (do func(), bounds []bound)
}

// shuffled returns the faults that there is time for, each once.
func (s *soak) shuffled(length time.Duration) []fault {
	deck := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return f.long && length < time.Minute })
	s.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

func (s *soak) make(f fault) {
	s.Helper()
	do, bounds := f.prepare(s)
	s.phase(soakPrefix+f.name, do, bounds...)
	if f.works {
		s.works()
	}
	ph := &s.phases[len(s.phases)-1]
	ph.mayFail, ph.short = f.fails, true
}

const soakPrefix = "soak: "

// between draws a time.
func (s *soak) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.rng.Int64N(int64(most-least)))
}

// someone draws a process that lives.
func (s *soak) someone() *process {
	alive := slices.DeleteFunc(slices.Clone(s.members), func(p *process) bool { return p.killed != 0 })
	return alive[s.rng.IntN(len(alive))]
}

// measure asks every process, at rest, what it holds.
func (s *soak) measure() {
	s.Helper()
	s.order(command{Read: &no, Write: &no})
	had := make(map[*process]int)
	for _, p := range s.members {
		p.mu.Lock()
		had[p] = len(p.held)
		p.mu.Unlock()
	}
	s.order(command{Measure: true})
	for _, p := range s.members {
		s.until(p.config.Name+" is measured", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return len(p.held) > had[p] || p.killed != 0
		})
	}
}

// report says what was seen, and fails for what must not be.
func (s *soak) report(took time.Duration) {
	s.Helper()
	all := s.judge()
	h := s.history()
	whole := h.Judge(checker.Question{})
	failed, kinds := 0, make(map[string]int)
	for _, ph := range s.phases {
		kinds[ph.name[len(soakPrefix):]]++
	}
	for _, p := range s.members {
		failed += len(p.failed)
	}
	s.Logf("%v: %d reads, %d writes, %d faults, %d queries failed", took.Round(time.Second), len(h.Reads), len(h.Writes), len(s.phases), failed)
	s.Logf("from the cache: %.1f %%", 100*float64(whole.Cached)/float64(max(whole.Reads, 1)))
	s.Logf("staleness: p50 %v, p99 %v, max %v; %d reads were stale", whole.P50, whole.P99, whole.Max, whole.Stale)
	for name, n := range kinds {
		w := results.worst(soakPrefix + name)
		s.Logf("%3d × %-32s stale p99 %v, max %v of %v allowed", n, name, ms(w.P99), ms(w.Max), ms(w.bound+w.margin))
	}
	s.Logf("violations: %d %v", len(all), checker.Count(all))
	for _, v := range all[:min(len(all), 20)] {
		s.Error(v)
	}
	s.leaks()
}

// Of what a process holds at rest it may, in the end, hold that much more than
// in the beginning: goroutines and connections of pools that have grown, and
// memory of plans and answers.
const (
	moreGoroutines  = 16
	moreConnections = 10
	moreHeap        = 16 << 20
)

func (s *soak) leaks() {
	s.Helper()
	for _, p := range s.members {
		if p.killed != 0 || len(p.held) < 2 {
			continue
		}
		first, last := p.held[0], p.held[len(p.held)-1]
		s.Logf("%s: goroutines %d → %d, connections %d → %d, heap %d → %d KiB", p.config.Name,
			first.Goroutines, last.Goroutines, first.Connections, last.Connections, first.Heap>>10, last.Heap>>10)
		if last.Goroutines > first.Goroutines+moreGoroutines || last.Connections > first.Connections+moreConnections || last.Heap > first.Heap+moreHeap {
			s.Errorf("%s: it holds more than in the beginning", p.config.Name)
		}
	}
}

// worst returns, of the results of a name, the one that came closest to its bound.
func (l *resultList) worst(name string) result {
	l.mu.Lock()
	defer l.mu.Unlock()
	var worst result
	for _, r := range l.list {
		if rest, ok := strings.CutPrefix(r.name, name); ok && (rest == "" || rest[0] == ':') {
			if worst.name == "" || cmp.Compare(share(r), share(worst)) > 0 {
				worst = r
			}
		}
	}
	return worst
}

func share(r result) float64 { return float64(r.Max) / float64(max(r.bound+r.margin, 1)) }
