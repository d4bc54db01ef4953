package wrap_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/internal/wrap"
)

// Work in the background takes an idle connection, or dials within the limits;
// it never waits for one.
func TestBorrow(t *testing.T) {
	p := newPool(t, wrap.Limits{Max: 2})
	p.run(p)
	conn, err := p.conns.Borrow(t.Context())
	if conn == nil || conn.Held() == nil || err != nil {
		t.Fatal("the idle one is not to be had")
	}
	p.want("with one borrowed", 1, 0, 1)
	dialled, err := p.conns.Borrow(t.Context())
	if dialled == nil || err != nil {
		t.Fatal("none is dialled within the limit")
	}
	if third, err := p.conns.Borrow(t.Context()); third != nil || err != nil {
		t.Fatal("one beyond the limit")
	}
	conn.GiveBack()
	dialled.GiveBack()
	p.want("as many as there are callers stay", 1, 1, 2)

	p.owner.keep = true
	conn, _ = p.conns.Borrow(t.Context())
	conn.GiveBack()
	p.owner.keep = false
	p.want("one whose session holds something is closed", 0, 0, 2)

	refused := errors.New("refused")
	p.srv.Fail(fakedriver.OpConnect, 1, refused)
	if conn, err := p.conns.Borrow(t.Context()); conn != nil || !errors.Is(err, refused) {
		t.Fatal("one that could not be dialled")
	}
	p.hold(2)() // the rights to dial were given back
}

// What is borrowed outlives the database that it is of; the owner hears of the
// end when it is given back.
func TestBorrowedAtTheEnd(t *testing.T) {
	p := newPool(t, wrap.Limits{})
	p.run(p)
	conn, err := p.conns.Borrow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if n := p.owner.closed.Load(); n != 0 {
		t.Errorf("told of the end %d times while a connection is in use", n)
	}
	conn.GiveBack()
	if n := p.owner.closed.Load(); n != 1 {
		t.Errorf("told of the end %d times, want once", n)
	}
}

func TestClosedWithNothingOpen(t *testing.T) {
	p := newPool(t, wrap.Limits{})
	p.run(p)
	p.Close()
	p.Close()
	if n := p.owner.closed.Load(); n != 1 {
		t.Errorf("told of the end %d times, want once", n)
	}
}

// Of many who come first, one dials; the others need no connection before they
// have a statement to run.
func TestFirstDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, wrap.Limits{})
		p.srv.Delay(fakedriver.OpConnect, time.Second)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				conn, err := p.Conn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
			})
		}
		wg.Wait()
		if n := p.srv.Count(fakedriver.OpConnect); n != 1 {
			t.Errorf("%d dials, want one", n)
		}
	})
}

// Should the first dial fail, all get an error of their own, at the same time:
// they do not wait for one another.
func TestFirstDialFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, wrap.Limits{})
		p.srv.Delay(fakedriver.OpConnect, time.Second)
		refused := errors.New("refused")
		p.srv.Fail(fakedriver.OpConnect, -1, refused)
		start := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := p.Conn(t.Context()); !errors.Is(err, refused) {
					t.Errorf("%v, want the dial's error", err)
				}
			})
		}
		synctest.Wait() // the first one dials
		late, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := p.Conn(late); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the deadline's", err)
		}
		wg.Wait()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %v, want two dials' time", took)
		}
		p.srv.Fail(fakedriver.OpConnect, 0, driver.ErrBadConn)
		p.run(p)
	})
}
