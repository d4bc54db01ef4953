package integration

import (
	"fmt"
	"testing"

	"github.com/querycache/querycache/internal/testserver"
)

// Two processes write the same tables as quickly as they can, and read them. In
// the end no answer that either keeps differs from the database.
func TestRacingWrites(t *testing.T) {
	each := int64(observe(1000))
	f := newFleet(t, testserver.NewRedis(t).Addr(), 4, 2, func(_ int, c *memberConfig) {
		c.Writers, c.WritePause, c.ReadPause, c.MaxWrites = 2, 0, 1000, each
	})
	f.begin()
	f.phase(fmt.Sprintf("%d racing writes", 2*each), func() {
		for _, p := range f.members {
			f.until("the writes are done", p.told(&p.idle))
		}
	}, all(longPoll))
	f.end()
}
