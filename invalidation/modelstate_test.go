package invalidation

import "fmt"

// The protocol as a state machine, small enough to try every order of events:
// one tag; node 0 reads and writes, node 1 reads, writer 1 only writes. The
// store loses what was not replicated, or everything. Time enters only as
// guards on steps. Values are numbers of committed writes.

type modelEntry struct {
	there      bool
	epoch, seq uint8
	value      uint8
}

// modelStore is the control key, and an entry in the shared tier.
type modelStore struct {
	epoch, seq, ver uint8
	run             uint8 // the incarnation that the epoch is bound to
	records         uint8 // bits of writers
	planted         bool  // the record of everything that a new epoch plants
	entry           modelEntry
}

type modelStep uint8

const (
	idle modelStep = iota
	announcedStep
	commitSent
	commitAnswered
	bumped
	gaveUp
)

type modelTx uint8

const (
	noModelTx modelTx = iota
	inFlight
	committed
	aborted
)

type modelWriter struct {
	step  modelStep
	tx    modelTx
	value uint8
	dead  bool
}

type modelLoad uint8

const (
	noLoad modelLoad = iota
	stamped
	rowsRead
)

type modelNode struct {
	epoch, seq, ver uint8 // its view
	floor           uint8 // what had been bumped before its last Sync
	local           modelEntry
	load            modelLoad
	stampEpoch      uint8
	stampSeq        uint8
	loadValue       uint8
	loads           uint8
}

type modelState struct {
	database, told uint8 // committed writes, and those of them that were bumped
	run, nextEpoch uint8
	failures       uint8
	crashes        uint8
	early          uint8
	store, replica modelStore
	writers        [2]modelWriter
	nodes          [2]modelNode
	hints          uint32
}

// A model is what may happen, and the mistakes that the protocol could make.
type model struct {
	name                      string
	failovers, crashes        uint8
	oneWriter                 bool
	loads                     uint8
	noRecord                  bool // nodes announce nothing
	expires                   bool // a silent record is dropped, not bumped
	oneSweep                  bool // a silent record is bumped once
	noPlanted                 bool // a new epoch plants no record
	stampAtSet                bool // the stamp is taken when the answer is stored
	noEpoch                   bool
	torn                      bool // epoch and number are read one after the other
	ackIgnoresEpoch, pollOnly bool // only polls find a new incarnation
}

func newModelState() modelState {
	s := modelState{run: 1, nextEpoch: 2}
	s.store = modelStore{epoch: 1, run: 1}
	s.replica = s.store
	return s
}

// rotate is the prologue of the script.
func (m *model) rotate(s *modelState) {
	if m.noEpoch || s.store.run == s.run {
		return
	}
	s.store.run, s.store.epoch = s.run, s.nextEpoch
	s.nextEpoch++
	s.store.seq, s.store.ver = 0, 0
	s.store.planted = !m.noPlanted
}

func (s *modelState) bump() {
	s.store.seq++
	s.store.ver = s.store.seq
	if s.store.epoch < 4 && s.store.seq < 8 {
		s.hints |= 1 << (s.store.epoch*8 + s.store.seq)
	}
}

// tell bumps for a writer.
func (s *modelState) tell(w modelWriter) {
	s.bump()
	if w.tx == committed {
		s.told = max(s.told, w.value)
	}
}

// adopt applies a reply.
func (s *modelState) adopt(i int) {
	n := &s.nodes[i]
	if n.epoch != s.store.epoch {
		n.epoch, n.local, n.ver, n.seq = s.store.epoch, modelEntry{}, 0, 0
	}
	n.ver, n.seq = max(n.ver, s.store.ver), max(n.seq, s.store.seq)
	n.floor = max(n.floor, s.told)
}

func (s *modelState) valid(i int, e modelEntry) bool {
	n, w := &s.nodes[i], s.writers[0]
	dirty := i == 0 && !w.dead && (w.step == commitSent || w.step == commitAnswered)
	return e.there && e.epoch == n.epoch && n.ver <= e.seq && !dirty
}

// wrong says what is wrong with a state; "" if nothing is.
func (m *model) wrong(s *modelState) string {
	for i := range s.nodes {
		n := s.nodes[i]
		for where, e := range map[string]modelEntry{"its own": n.local, "the shared": s.store.entry} {
			if s.valid(i, e) && e.value < n.floor {
				return fmt.Sprintf("node %d serves %d from %s tier, but %d was bumped before its last Sync", i, e.value, where, n.floor)
			}
		}
	}
	if w := s.writers[0]; !w.dead && w.step == bumped {
		for _, e := range []modelEntry{s.nodes[0].local, s.store.entry} {
			if s.valid(0, e) && e.value < w.value {
				return "node 0 does not read its own write"
			}
		}
	}
	if !m.quiet(s) {
		return ""
	}
	for i := range s.nodes {
		later := *s
		later.adopt(i)
		for _, e := range []modelEntry{later.nodes[i].local, later.store.entry} {
			if later.valid(i, e) && e.value < s.database {
				return fmt.Sprintf("everything is told of, but node %d serves %d for good (the database has %d)", i, e.value, s.database)
			}
		}
	}
	return ""
}

// quiet reports whether nothing is left to tell.
func (m *model) quiet(s *modelState) bool {
	for i, w := range s.writers {
		switch {
		case w.tx == inFlight,
			!w.dead && w.step >= announcedStep && w.step <= commitAnswered && w.tx != aborted,
			w.dead && s.store.records&(1<<i) != 0 && !m.noRecord:
			return false
		}
	}
	return !s.store.planted && (s.store.run == s.run || m.noEpoch)
}
