package remote

import (
	"slices"
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	now := time.Unix(0, 0)
	var states []State
	b := newBreaker(func() time.Time { return now }, func(_, s State) { states = append(states, s) })
	run := func(o outcome) bool {
		p, ok := b.allow()
		if ok {
			b.done(p, o)
		}
		return ok
	}
	for range failuresToOpen - 1 {
		run(silent)
	}
	run(answered) // the row is broken
	for range failuresToOpen - 1 {
		run(silent)
	}
	run(undecided)
	if len(states) != 0 {
		t.Fatalf("it turned %v", states)
	}
	late, _ := b.allow() // begins while closed, and ends when it is half-open
	run(silent)
	if !slices.Equal(states, []State{Open}) || run(answered) {
		t.Fatalf("%d failures in a row: %v", failuresToOpen, states)
	}

	for pause := firstPause; pause <= longestPause; pause *= 2 {
		now = now.Add(pause - 1)
		if run(answered) {
			t.Fatalf("it ran before %v had passed", pause)
		}
		now = now.Add(1)
		p, ok := b.allow()
		if !ok || run(answered) {
			t.Fatalf("after %v one is to ask, and only one", pause)
		}
		b.done(late, answered)
		if s, _ := b.read(); s != HalfOpen {
			t.Fatal("an operation that began long before counts")
		}
		b.done(p, silent)
	}
	now = now.Add(longestPause)
	if p, ok := b.allow(); !ok {
		t.Fatal("the pause grows beyond its bound")
	} else {
		b.done(p, undecided)
	}
	if !run(answered) {
		t.Fatal("the caller that asked gave up, and no other may ask")
	}
	if s, opened := b.read(); s != Closed || opened != 5 || !run(answered) {
		t.Errorf("%v, opened %d times", s, opened)
	}
	for range failuresToOpen {
		run(silent)
	}
	now = now.Add(firstPause)
	if !run(silent) {
		t.Error("the first pause is as long as the last was")
	}
}
