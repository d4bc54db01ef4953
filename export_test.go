package querycache

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/querycache/querycache/dialect"
)

// AgeCatalogs makes the catalogs look as if they had been read earlier.
func (c *Cache) AgeCatalogs(by time.Duration) {
	for _, srv := range c.servers.all() {
		if snap := srv.catalog.Load(); snap != nil {
			older := *snap
			older.asked = older.asked.Add(-by)
			srv.catalog.CompareAndSwap(snap, &older)
		}
	}
}

// CatalogWork waits until no catalog is being read.
func (c *Cache) CatalogWork() {
	for _, srv := range c.servers.all() {
		for srv.loading.Load() {
			time.Sleep(time.Millisecond)
		}
	}
}

// CostOf returns what a statement is thought to take.
func (c *Cache) CostOf(text string) time.Duration { return c.plans.get(text).cost.Load() }

// LaterEntry returns an entry of the shared tier that was asked for later than the
// one that lies under key.
func LaterEntry(key string, payload []byte, by time.Duration) []byte {
	_, digest, _ := strings.Cut(key, "{")
	of, err := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(digest, "}:e"))
	if err != nil {
		panic(err)
	}
	e, err := parseShared(payload, of)
	if err != nil {
		panic(err)
	}
	e.asked = e.asked.Add(by)
	return e.append(nil, of)
}

// Servers returns how many databases are known.
func (c *Cache) Servers() int { return len(c.servers.all()) }

// DecideInTurns decides for a text and n sessions, rounds times in turns, and
// returns how many decisions were made. With each round of alter but the first
// the catalog is another one.
func (c *Cache) DecideInTurns(text string, n, rounds int, alter bool) int {
	p := c.plans.get(text)
	srv := c.servers.use("test", func(*server) {}, func(*server) bool { return true })
	var idents []*identity
	for i := range n {
		idents = append(idents, c.identities.intern("", "", "", srv, dialect.Session{Key: fmt.Sprint(i)}, ""))
	}
	made := make(map[*decision]bool)
	snap := &snapshot{catalog: dialect.Names{}}
	for range rounds {
		for _, ident := range idents {
			d := c.decide(p, ident, snap)
			if d.ident != ident || d.catalog != snap.id {
				panic("a decision of another")
			}
			made[d] = true
		}
		if alter {
			snap = &snapshot{catalog: dialect.Names{}, id: catalogs.Add(1)}
		}
	}
	return len(made)
}
