package querycache_test

import (
	"bytes"
	"crypto/rand"
	"maps"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
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
				if err := p.redis.Set(t.Context(), key, forged, 0).Err(); err != nil {
					t.Fatal(err)
				}
				f := p.join()
				p.until("a node is there", f.live)
				if got := f.source(query); got != querycache.Database {
					t.Errorf("an entry that is %s is shown, from %v", what, got)
				}
				f.cache.Close()
			}
			if err := p.redis.Set(t.Context(), key, good, 0).Err(); err != nil {
				t.Fatal(err)
			}
			f := p.join()
			p.until("a node is there", f.live)
			if got := f.source(query); got != querycache.Remote {
				t.Errorf("the test shows nothing: a good entry is from %v", got)
			}
		})
	}
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
		if err := p.redis.Set(t.Context(), key, later, 0).Err(); err != nil {
			t.Fatal(err)
		}
		f := p.join()
		p.until("a node is there", f.live)
		if got := f.source(query); got != want {
			t.Errorf("an entry %v later is from %v, want %v", by, got, want)
		}
		f.cache.Close()
	}
}
