package querycache

import (
	"runtime"
	"time"
)

// SetFaults makes the cache wrong in a known way.
func (c *Cache) SetFaults(stampLate, bumpEarly, bumpFirst, fillInTx bool) {
	c.faults = faults{stampLate: stampLate, bumpEarly: bumpEarly, bumpFirst: bumpFirst, fillInTx: fillInTx}
}

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
			runtime.Gosched()
		}
	}
}

// Servers returns how many databases are known.
func (c *Cache) Servers() int { return len(c.servers.all()) }
