package invalidation

import "fmt"

// A modelMove is an event and the state after it.
type modelMove struct {
	event string
	state modelState
}

// moves returns all that can happen next.
func (m *model) moves(s modelState) (out []modelMove) {
	do := func(event string, change func(n *modelState)) {
		n := s
		change(&n)
		if n != s {
			out = append(out, modelMove{event, n})
		}
	}
	for i := range s.writers {
		if m.oneWriter && i > 0 {
			break
		}
		m.writer(s, i, do)
	}
	m.faults(s, do)
	for i := range s.nodes {
		m.node(s, i, do)
	}
	return out
}

func (m *model) writer(s modelState, i int, do func(string, func(*modelState))) {
	w, bit := s.writers[i], uint8(1)<<i
	say := func(what string) string { return fmt.Sprintf("writer %d %s", i, what) }
	recorded := s.store.records&bit != 0
	announce := func(n *modelState) {
		m.rotate(n)
		if !m.noRecord {
			n.store.records |= bit
		}
		if i == 0 {
			n.adopt(0)
		}
	}
	if !w.dead {
		switch w.step {
		case idle:
			do(say("announces"), func(n *modelState) {
				announce(n)
				n.writers[i].step, n.writers[i].tx = announcedStep, inFlight
			})
		case announcedStep:
			do(say("sends COMMIT"), func(n *modelState) { n.writers[i].step = commitSent })
			do(say("has waited too long and rolls back"), func(n *modelState) {
				n.writers[i].step, n.writers[i].tx = gaveUp, aborted
			})
			if !m.noRecord && !recorded {
				do(say("announces again"), announce)
			}
		case commitSent:
			if w.tx >= committed {
				do(say("learns of its COMMIT"), func(n *modelState) { n.writers[i].step = commitAnswered })
			}
		case commitAnswered:
			do(say("bumps"), func(n *modelState) { m.bumps(n, i) })
		}
		if w.step >= announcedStep && w.step <= bumped && s.crashes < m.crashes {
			do(say("crashes"), func(n *modelState) { n.crashes++; n.writers[i].dead = true })
		}
	}
	if w.step == commitSent && w.tx == inFlight {
		do(say("is visible"), func(n *modelState) {
			n.database++
			n.writers[i].tx, n.writers[i].value = committed, n.database
		})
		do(say("is aborted"), func(n *modelState) { n.writers[i].tx = aborted })
	}
	if w.dead && w.step < commitSent && w.tx == inFlight {
		do(say("is aborted, its client being gone"), func(n *modelState) { n.writers[i].tx = aborted })
	}
	// Its deadline has passed: the writer is dead, or waits for its COMMIT.
	if recorded && (w.dead || w.step == commitSent) && (w.tx != inFlight || s.early < 2) {
		do(say("is silent for too long"), func(n *modelState) {
			if w.tx == inFlight {
				n.early++
			}
			m.rotate(n)
			if n.store.records&bit == 0 {
				return
			}
			if !m.expires {
				n.tell(w)
			}
			// Armed again for as long as the statement may still land.
			if m.oneSweep || w.tx != inFlight {
				n.store.records &^= bit
			}
		})
	}
}

func (m *model) bumps(n *modelState, i int) {
	if !m.pollOnly {
		m.rotate(n)
	}
	if !m.noRecord {
		n.store.records |= 1 << i
	}
	n.tell(n.writers[i])
	n.writers[i].step = bumped
	switch {
	case i != 0:
	case m.ackIgnoresEpoch:
		x := &n.nodes[0]
		x.ver, x.seq = max(x.ver, n.store.seq), max(x.seq, n.store.seq)
	default:
		n.adopt(0)
	}
}

func (m *model) faults(s modelState, do func(string, func(*modelState))) {
	if s.store.planted && s.store.run == s.run && m.plantedDue(s) {
		do("the planted record bumps everything", func(n *modelState) { n.store.planted = false; n.bump() })
	}
	if m.failovers > 0 {
		do("the replica catches up", func(n *modelState) { n.replica = n.store })
	}
	if s.failures < m.failovers {
		do("FAILOVER, what was not replicated is lost", func(n *modelState) { n.failures++; n.store = n.replica; n.run++ })
		do("FLUSHALL", func(n *modelState) {
			n.failures++
			n.store, n.replica = modelStore{}, modelStore{}
			n.run++
		})
	}
}

// plantedDue: it is due a deadline after the rotation, and a writer whose record
// was lost has sent its COMMIT by then, or never will: its announcement was
// confirmed before the failure.
func (m *model) plantedDue(s modelState) bool {
	for i, w := range s.writers {
		lost := s.store.records&(1<<i) == 0
		if lost && (w.step == announcedStep && !w.dead || w.step == commitSent && w.tx == inFlight) {
			return false
		}
	}
	return true
}

func (m *model) node(s modelState, i int, do func(string, func(*modelState))) {
	x := s.nodes[i]
	say := func(what string) string { return fmt.Sprintf("node %d %s", i, what) }
	do(say("syncs"), func(n *modelState) { m.rotate(n); n.adopt(i) })
	for seq := x.ver + 1; seq < 8 && x.epoch < 4; seq++ {
		if s.hints&(1<<(x.epoch*8+seq)) != 0 {
			do(say("hears a hint"), func(n *modelState) {
				y := &n.nodes[i]
				y.ver, y.seq = seq, max(y.seq, seq)
			})
		}
	}
	switch x.load {
	case noLoad:
		if x.loads < m.loads && x.epoch != 0 {
			do(say("takes a stamp"), func(n *modelState) {
				y := &n.nodes[i]
				y.load, y.stampEpoch, y.stampSeq = stamped, y.epoch, y.seq
				y.loads++
			})
		}
		if s.valid(i, s.store.entry) {
			do(say("takes over from the shared tier"), func(n *modelState) { n.nodes[i].local = n.store.entry })
		}
	case stamped:
		do(say("reads"), func(n *modelState) { n.nodes[i].load, n.nodes[i].loadValue = rowsRead, n.database })
	case rowsRead:
		do(say("stores"), func(n *modelState) {
			y := &n.nodes[i]
			e := modelEntry{true, y.stampEpoch, y.stampSeq, y.loadValue}
			if m.stampAtSet {
				e.epoch, e.seq = y.epoch, y.seq
			}
			if m.torn {
				e.epoch = y.epoch
			}
			y.local, n.store.entry = e, e
			y.load, y.stampEpoch, y.stampSeq, y.loadValue = noLoad, 0, 0, 0
		})
	}
}
