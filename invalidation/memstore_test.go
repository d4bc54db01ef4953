package invalidation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A memStore is what the script does in Redis, in memory: see package remote.
type memStore struct {
	deadline, maxTTL time.Duration

	mu      sync.Mutex // guards following
	epoch   string
	seq     uint64
	ver     map[string]uint64
	records map[string]*memRecord
	unknown int
	// faults
	down      bool // requests are lost
	loseReply bool // requests are done, their replies lost
	noHints   bool
	delay     time.Duration // of requests
	late      time.Duration // of replies
	listeners map[int]func(Hint)
	calls     int
	most      int // tags bumped in one call
	inFlight  map[string]int
	overlap   bool
}

type memRecord struct {
	tags  []string
	due   time.Time
	delay time.Duration
}

func newMemStore() *memStore {
	return &memStore{
		deadline: 5 * time.Second, maxTTL: time.Hour, ver: make(map[string]uint64),
		records: make(map[string]*memRecord), listeners: make(map[int]func(Hint)), inFlight: make(map[string]int),
	}
}

// A memClient is one node's way to the store.
type memClient struct {
	*memStore
	node string
	cut  bool // guarded by the store's mutex
}

func (s *memStore) client(node string) *memClient { return &memClient{memStore: s, node: node} }

var errDown = errors.New("store is down")

func (c *memClient) Sync(ctx context.Context, r Request) (Reply, error) {
	c.mu.Lock()
	delay, down := c.delay, c.down || c.cut
	c.calls++
	c.inFlight[c.node]++
	c.overlap = c.overlap || c.inFlight[c.node] > 1
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.inFlight[c.node]--
		c.mu.Unlock()
	}()
	if down {
		<-ctx.Done()
		return Reply{}, errDown
	}
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return Reply{}, ctx.Err()
		}
	}
	c.mu.Lock()
	reply := c.syncLocked(c.node, r)
	lost, late := c.loseReply, c.late
	c.mu.Unlock()
	if lost {
		<-ctx.Done()
		return Reply{}, ctx.Err()
	}
	if late > 0 {
		select {
		case <-time.After(late):
		case <-ctx.Done():
			return Reply{}, ctx.Err()
		}
	}
	return reply, nil
}

func (s *memStore) syncLocked(node string, r Request) Reply {
	now := time.Now()
	if s.epoch == "" || r.Epoch == s.epoch && r.Seen > s.seq {
		s.epoch, s.seq, s.ver = r.Nonce, 0, make(map[string]uint64)
		s.records["?"] = &memRecord{tags: []string{Schema, All}, due: now.Add(s.deadline), delay: s.maxTTL + 1}
	}
	delete(s.records, node)
	if len(r.Record) > 0 {
		s.records[node] = &memRecord{tags: r.Record, due: now.Add(s.deadline), delay: 2 * s.deadline}
	}
	for id, rec := range s.records {
		if now.Before(rec.due) {
			continue
		}
		s.bumpLocked(rec.tags, false)
		rec.due, rec.delay = now.Add(rec.delay), 2*rec.delay
		if rec.delay > 2*s.maxTTL {
			delete(s.records, id)
		}
	}
	s.most = max(s.most, len(r.Bump))
	if len(r.Bump) > 0 {
		s.bumpLocked(r.Bump, r.Quiet)
		if r.Unknown {
			s.unknown++
			first := s.deadline / 20
			s.records["unknown "+strconv.Itoa(s.unknown)] = &memRecord{tags: r.Bump, due: now.Add(first), delay: 2 * first}
		}
	}
	reply := Reply{Epoch: s.epoch, Seq: s.seq}
	for tag, seq := range s.ver {
		if r.Epoch != s.epoch || seq > r.After {
			reply.Changed = append(reply.Changed, Change{tag, seq})
		}
	}
	return reply
}

func (s *memStore) bumpLocked(tags []string, quiet bool) {
	s.seq++
	for _, tag := range tags {
		s.ver[tag] = s.seq
	}
	if s.noHints || quiet {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(s.listeners)) {
		go s.listeners[id](Hint{Epoch: s.epoch, Seq: s.seq, Tags: tags})
	}
}

func (c *memClient) Listen(ctx context.Context, hint func(Hint), ready func()) error {
	c.mu.Lock()
	id := len(c.listeners)
	for c.listeners[id] != nil {
		id++
	}
	c.listeners[id] = func(h Hint) {
		c.mu.Lock()
		cut := c.cut
		c.mu.Unlock()
		if !cut {
			hint(h)
		}
	}
	c.mu.Unlock()
	ready()
	<-ctx.Done()
	c.mu.Lock()
	delete(c.listeners, id)
	c.mu.Unlock()
	return ctx.Err()
}

// set changes faults.
func (s *memStore) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// flush is FLUSHALL.
func (s *memStore) flush() {
	s.set(func() { s.epoch, s.records = "", make(map[string]*memRecord) })
}
