package remote

import (
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache/internal/mistake"
)

// rearm is the condition, in SYNC, under which a silent writer's tags are bumped
// once more.
const rearm = "if d <= ttl then"

// sweptOnce is SYNC without that: a mistake, see there.
var sweptOnce = sync.OnceValue(func() *redis.Script {
	if strings.Count(syncSource, rearm) != 1 {
		panic("bug: SYNC does not hold " + rearm)
	}
	return redis.NewScript(strings.Replace(syncSource, rearm, "if false then", 1))
})

// script is SYNC, unless a test wants a wrong one.
func script() *redis.Script {
	if mistake.Made(mistake.OneSweep) {
		return sweptOnce()
	}
	return syncScript
}
