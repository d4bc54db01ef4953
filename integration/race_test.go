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
			written, done := -1, p.told(&p.idle)
			for !done() { // for as long as they go on
				f.until("one more write", func() bool { return done() || p.written() > written })
				written = p.written()
			}
		}
	}, all(longPoll))
	f.works()
	f.end()
}
