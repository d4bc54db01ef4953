package querycache_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
	"github.com/querycache/querycache/invalidation"
)

// entries are the shared tier's, by key.
func (p *pair) entries() map[string]string {
	p.Helper()
	found := make(map[string]string)
	for _, key := range p.redis.Keys(p.Context(), "*:e").Val() {
		value, err := p.redis.Get(p.Context(), key).Result()
		if err != nil {
			p.Fatal(err)
		}
		found[key] = value
	}
	return found
}

// entry returns the entry that a read of query makes.
func (p *pair) entry(query string) (key, value string) {
	p.Helper()
	before := p.entries()
	p.warm(query)
	p.until("the answer is in Redis", func() bool {
		after := p.entries()
		maps.DeleteFunc(after, func(k, v string) bool { return before[k] == v })
		for key, value = range after {
			return true
		}
		return false
	})
	return key, value
}

// Whatever is put into Redis in the place of an entry, nothing wrong is shown: what
// was made for another key, from before a write, or in a time to come, is a miss.
func TestForgedEntries(t *testing.T) {
	for name, keys := range map[string][][]byte{"plain": nil, "sealed": {newKey()}} {
		t.Run(name, func(t *testing.T) {
			server := testserver.NewRedis(t)
			p := newPair(t, "redis://"+server.Addr(), func(c *querycache.Config) { c.SealKeys = keys })
			const query = "SELECT n AS x FROM other"
			key, old := p.entry(query)
			p.exec(p.db, "UPDATE other SET n = n + 1")
			p.until("the other process has heard of it", func() bool {
				want, _ := p.read(p.bare, other)
				got, _ := p.second.read(p.second.db, other)
				return got == want
			})
			p.warm(query)
			good := old
			p.until("the answer of after it is in Redis", func() bool {
				good = p.redis.Get(t.Context(), key).Val()
				return good != old
			})
			_, another := p.entry("SELECT n + 1000 AS x FROM other")
			for what, forged := range map[string]string{
				"as it was before a write": old,
				"of another key":           another,
				"nothing":                  "",
				"cut":                      good[:len(good)-1],
				"longer":                   good + "x",
				"zeros":                    string(make([]byte, len(good))),
			} {
				if got := p.given(key, forged, query, querycache.Database); got != querycache.Database {
					t.Errorf("an entry that is %s is shown, from %v", what, got)
				}
			}
			if got := p.given(key, good, query, querycache.Remote); got != querycache.Remote {
				t.Errorf("the test shows nothing: a good entry is from %v", got)
			}
		})
	}
}

// given puts an entry into Redis and returns where a process that comes then has its
// answer from. Redis may miss its time on a busy machine: if an answer from there is
// wanted, up to ten processes are asked.
func (p *pair) given(key, entry, query string, want querycache.Source) (got querycache.Source) {
	p.Helper()
	for range 10 {
		if err := p.redis.Set(p.Context(), key, entry, 0).Err(); err != nil {
			p.Fatal(err)
		}
		f := p.join()
		got = f.source(query)
		f.cache.Close()
		if got == want || want != querycache.Remote {
			break
		}
	}
	return got
}

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// An entry that says to be of a time to come is not shown for longer than it may
// live, whoever set which clock.
func TestEntryOfTheFuture(t *testing.T) {
	server := testserver.NewRedis(t)
	p := newPair(t, "redis://"+server.Addr(), nil)
	const query = "SELECT n AS x FROM other"
	key, value := p.entry(query)
	for by, want := range map[time.Duration]querycache.Source{
		time.Hour:              querycache.Database,
		2 * time.Second:        querycache.Database,
		100 * time.Millisecond: querycache.Remote, // two clocks are never the same
		-time.Hour:             querycache.Database,
	} {
		later := querycache.LaterEntry(key, []byte(value), by)
		if bytes.Equal(later, []byte(value)) {
			t.Fatal("the same entry")
		}
		if got := p.given(key, string(later), query, want); got != want {
			t.Errorf("an entry %v later is from %v, want %v", by, got, want)
		}
	}
}

// A cache that is closed while its databases are used fails none of them, and the
// writes go on being told of.
func TestCloseInUse(t *testing.T) {
	p := newPair(t, testserver.Redis(t), func(c *querycache.Config) { c.DefaultTTL = 5 * time.Millisecond })
	var users sync.WaitGroup
	var ops atomic.Int64
	stop := make(chan struct{})
	for i := range 6 {
		users.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				ops.Add(1)
				if i == 0 && n%5 == 0 {
					if _, err := p.second.db.Exec("UPDATE other SET n = n + 1"); err != nil {
						t.Error(err)
					}
				}
				if _, err := dump(t.Context(), p.second.db, fmt.Sprintf("SELECT n + %d FROM other", n%7)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	after := func(n int64) {
		for from := ops.Load(); ops.Load() < from+n; {
			runtime.Gosched()
		}
	}
	after(100)
	p.second.cache.SetEnabled(false)
	after(50)
	p.second.cache.SetEnabled(true)
	after(100)
	if err := p.second.cache.Close(); err != nil {
		t.Error(err)
	}
	after(20)
	close(stop)
	users.Wait()
	p.exec(p.second.db, "UPDATE other SET n = 4711")
	p.until("a write after Close is heard of", func() bool {
		got, _ := p.read(p.db, other)
		return got == "int64:4711 \n"
	})
}

// RESP2 and RESP3 clients are of one fleet.
func TestProtocolVersions(t *testing.T) {
	for _, version := range []string{"2", "3"} {
		p := newPair(t, testserver.Redis(t)+"?protocol="+version, nil)
		p.handed(books)
		p.exec(p.db, "UPDATE books SET price = price + 1")
		p.until("the write is heard of at once", func() bool {
			st := p.second.cache.Stats().Shared.Databases
			return len(st) == 1 && st[0].Node.Hints > 0
		})
		p.hears(p.second)
		if st := p.cache.Stats().Shared.Databases[0].Node; st.SyncErrors > 0 {
			t.Errorf("RESP%s: %+v", version, st)
		}
	}
}

// Tokens that come from anywhere harm nothing.
func TestForgedTokens(t *testing.T) {
	p := newPair(t, testserver.Redis(t), nil)
	good, err := base64.RawURLEncoding.DecodeString(p.cache.Token())
	if err != nil {
		t.Fatal(err)
	}
	var at map[string]invalidation.FleetStamp
	if err := json.Unmarshal(good, &at); err != nil || len(at) != 1 {
		t.Fatal(at, err)
	}
	for name, st := range at {
		epoch := st.Epoch
		for _, forged := range []invalidation.FleetStamp{
			{}, {Epoch: "gone"}, {Epoch: "gone", Seq: 1 << 63}, {Epoch: epoch, Seq: math.MaxUint64},
			{Epoch: epoch, Seq: 1 << 60}, {Epoch: "\x00\xff", Seq: 1}, {Epoch: strings.Repeat("x", 1<<20), Seq: 1},
		} {
			text, err := json.Marshal(map[string]invalidation.FleetStamp{name: forged, "another": forged})
			if err != nil {
				t.Fatal(err)
			}
			ctx, err := querycache.WithNotBefore(t.Context(), base64.RawURLEncoding.EncodeToString(text))
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				start := time.Now()
				want, _ := p.read(p.bare, other)
				if got, err := dump(ctx, p.second.db, other); err != nil || got != want {
					t.Errorf("%q, %v, want %q", got, err, want)
				}
				if took := time.Since(start); took > time.Second+p.machine.Margin(start) {
					t.Errorf("a read took %v", took)
				}
			}
		}
		for _, garbage := range []string{"null", "{}", "[]", "1", `{"x":null}`, `{"x":{"Seq":-1}}`, `{"x":{"Seq":1e99}}`, strings.Repeat("[", 1<<16)} {
			ctx, err := querycache.WithNotBefore(t.Context(), base64.RawURLEncoding.EncodeToString([]byte(garbage)))
			if err == nil {
				_, err = dump(ctx, p.second.db, other)
				if err != nil {
					t.Errorf("%.20s: %v", garbage, err)
				}
			}
		}
		if st := p.second.cache.Stats().Shared.Databases[0].Node; st.Epochs != 1 {
			t.Errorf("a token has begun an epoch: %+v", st)
		}
	}
}
