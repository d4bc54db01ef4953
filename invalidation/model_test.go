//go:build !race

package invalidation

import (
	"hash/maphash"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// modelStates bounds the search of each configuration. The whole of the largest
// that ends, some 26 million states, is for make model.
const modelStates = 250_000

// TestModel searches the states that the protocol can get into, breadth first,
// for one in which a node shows what it must not. Each mistake has to be found;
// QUERYCACHE_TEST_MODEL is another bound on the states. Nothing in it is
// concurrent, and the race detector would make it ten times as slow.
func TestModel(t *testing.T) {
	limit := modelStates
	if v := os.Getenv("QUERYCACHE_TEST_MODEL"); v != "" {
		var err error
		if limit, err = strconv.Atoi(v); err != nil {
			t.Fatalf("QUERYCACHE_TEST_MODEL is %q, expected a number", v)
		}
	}
	for _, m := range []model{
		{name: "no fault", loads: 2},
		{name: "no fault, one writer", loads: 2, oneWriter: true},
		{name: "a crash, one writer", loads: 2, crashes: 1, oneWriter: true},
		{name: "a crash", loads: 2, crashes: 1},
		{name: "a failover or flush, one writer", loads: 1, failovers: 1, oneWriter: true},
		{name: "a failover or flush", loads: 1, failovers: 1},
		{name: "a failover or flush, and a crash", loads: 1, failovers: 1, crashes: 1},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			trace, wrong, states := m.search(limit)
			t.Logf("%d states", states)
			if wrong != "" {
				t.Errorf("%s\n%s", wrong, strings.Join(trace, "\n"))
			}
		})
	}
	for _, m := range []model{
		{name: "no record", loads: 2, crashes: 1, noRecord: true},
		{name: "a record expires without a bump", loads: 2, crashes: 1, expires: true},
		{name: "one sweep, no doubling", loads: 2, crashes: 1, oneSweep: true},
		{name: "no planted record", loads: 1, failovers: 1, crashes: 1, noPlanted: true},
		{name: "the stamp is taken at the end", loads: 2, stampAtSet: true},
		{name: "no epoch", loads: 1, failovers: 1, noEpoch: true},
		{name: "a torn view", loads: 1, oneWriter: true, failovers: 1, torn: true},
		{name: "the epoch of an acknowledgement is ignored", loads: 1, oneWriter: true, failovers: 1, ackIgnoresEpoch: true},
		{name: "only polls find a new incarnation", loads: 1, oneWriter: true, failovers: 1, pollOnly: true},
	} {
		t.Run("mistake: "+m.name, func(t *testing.T) {
			t.Parallel()
			trace, wrong, states := m.search(max(limit, 4_000_000))
			if wrong == "" {
				t.Errorf("not found in %d states", states)
			}
			t.Logf("found among %d states: %s\n%s", states, wrong, strings.Join(trace, "\n"))
		})
	}
}

// search returns the events that lead to a wrong state, and what is wrong.
func (m *model) search(limit int) (trace []string, wrong string, states int) {
	type node struct {
		state modelState
		from  int32
		event string
	}
	seed := maphash.MakeSeed()
	start := newModelState()
	if m.noEpoch {
		start.nodes[0].epoch, start.nodes[1].epoch = 1, 1
	}
	seen := map[uint64]struct{}{maphash.Comparable(seed, start): {}}
	queue := []node{{start, -1, "start"}}
	for head := 0; head < len(queue) && len(queue) < limit; head++ {
		if wrong := m.wrong(&queue[head].state); wrong != "" {
			for i := int32(head); i >= 0; i = queue[i].from {
				trace = append(trace, queue[i].event)
			}
			slices.Reverse(trace)
			return trace, wrong, len(queue)
		}
		for _, next := range m.moves(queue[head].state) {
			key := maphash.Comparable(seed, next.state)
			if _, known := seen[key]; known {
				continue
			}
			seen[key] = struct{}{}
			queue = append(queue, node{next.state, int32(head), next.event})
		}
	}
	return nil, "", len(queue)
}
