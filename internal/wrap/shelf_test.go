package wrap_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/querycache/querycache/internal/fakedriver"
	"github.com/querycache/querycache/internal/wrap"
)

// What is answered from memory needs no connection, however many ask.
func TestOnlyUseNeedsAConnection(t *testing.T) {
	p := newPool(t, wrap.Limits{})
	p.run(p)
	p.want("after the first use", 1, 1, 1)
	for range 10 {
		conn, err := p.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		rows, err := conn.QueryContext(context.Background(), memory)
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	p.want("with ten virtual ones in use", 1, 1, 1)
	p.hold(3)()
	p.want("after three at a time", 3, 3, 3)
}

func TestMaxIdle(t *testing.T) {
	p := newPool(t, wrap.Limits{MaxIdle: 2})
	p.hold(5)()
	p.want("after five at a time", 2, 2, 5)
	p.SetMaxIdleConns(1)
	p.want("with one virtual connection left", 1, 1, 5)
}

func TestIdleTimeAndLifetime(t *testing.T) {
	for name, limits := range map[string]wrap.Limits{
		"idle time": {MaxIdleTime: time.Minute},
		"lifetime":  {MaxLifetime: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool(t, limits)
				p.run(p)
				time.Sleep(50 * time.Second)
				p.run(p)
				p.want("within the time", 1, 1, 1)
				time.Sleep(50 * time.Second)
				p.run(p)
				dials := int64(1)
				if limits.MaxLifetime > 0 {
					dials = 2
				}
				p.want("100 s after the first use, 50 after the last", 1, 1, dials)
				time.Sleep(2 * time.Minute)
				p.run(p)
				p.want("long after", 1, 1, dials+1)
			})
		})
	}
}

func TestMaxIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, wrap.Limits{Max: 2})
		release := p.hold(2)
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.ExecContext(late, "SELECT * FROM t"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline's", err)
		}
		done := make(chan struct{})
		go func() {
			p.run(p)
			close(done)
		}()
		synctest.Wait() // it waits for a connection
		p.want("while one waits", 2, 0, 2)
		release()
		<-done
		p.want("at the end", 2, 2, 2)
		if st := p.conns.Stats(); st.Waits != 2 {
			t.Errorf("%d waits are counted, want 2", st.Waits)
		}
	})
}

// A connection that stays with its virtual one because of its state goes to
// nobody else.
func TestKept(t *testing.T) {
	p := newPool(t, wrap.Limits{Max: 1})
	conn, err := p.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p.run(conn)
	p.owner.keep = true
	conn.Close() // back in the pool of database/sql, with its state
	p.owner.keep = false
	p.want("kept", 1, 0, 1)
	p.SetMaxOpenConns(1)
	p.run(p) // finds it there
	p.want("used again", 1, 1, 1)
}

// When one connection is found broken the idle ones probably are too: the
// server was restarted.
func TestBrokenConnection(t *testing.T) {
	p := newPool(t, wrap.Limits{})
	p.hold(5)()
	p.srv.Fail(fakedriver.OpExec, 1, driver.ErrBadConn)
	p.run(p) // database/sql tries again
	p.want("after one was broken", 1, 1, 6)
}

// Connections that do not survive their reset are replaced unseen.
func TestFailedReset(t *testing.T) {
	p := newPool(t, wrap.Limits{})
	p.hold(3)()
	p.srv.Fail(fakedriver.OpReset, 3, driver.ErrBadConn)
	p.run(p)
	p.want("after three failed", 1, 1, 4)
}

func TestFailedDial(t *testing.T) {
	p := newPool(t, wrap.Limits{Max: 1})
	refused := errors.New("refused")
	p.srv.Fail(fakedriver.OpConnect, 1, refused)
	if err := p.Ping(); !errors.Is(err, refused) {
		t.Errorf("error %v, want the dial's", err)
	}
	p.run(p) // the right to dial was given back
	p.want("after a failed dial", 1, 1, 2)
}

// A statement is prepared anew where its connection is another, and closed
// without dialling.
func TestStatementsFollowConnections(t *testing.T) {
	p := newPool(t, wrap.Limits{})
	stmt, err := p.Prepare("SELECT * FROM t")
	if err != nil {
		t.Fatal(err)
	}
	use := func() {
		t.Helper()
		rows, err := stmt.Query()
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	use()
	if n := p.srv.Count(fakedriver.OpPrepare); n != 1 {
		t.Errorf("prepared %d times on one connection, want once", n)
	}
	release := p.hold(1) // the connection that has it
	use()
	if n := p.srv.Count(fakedriver.OpPrepare); n != 2 {
		t.Errorf("prepared %d times on two connections, want twice", n)
	}
	if err := stmt.Close(); err != nil {
		t.Error(err)
	}
	release()
	p.hold(2)() // what could not be closed then is now
	if prepared, closed := p.srv.Count(fakedriver.OpPrepare), p.srv.Count(fakedriver.OpCloseStmt); closed != prepared {
		t.Errorf("%d prepared, %d closed", prepared, closed)
	}
	p.want("at the end", 2, 2, 2)
}

// The first Prepare of a text tells its mistakes; later ones can wait.
func TestPrepareIsPutOff(t *testing.T) {
	p := newPool(t, wrap.Limits{})
	if _, err := p.Prepare("SELECT ("); err == nil {
		t.Error("a mistake is not told")
	}
	for range 3 {
		stmt, err := p.Prepare("SELECT * FROM t")
		if err != nil {
			t.Fatal(err)
		}
		if err := stmt.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := p.srv.Count(fakedriver.OpPrepare); n != 2 {
		t.Errorf("prepared %d times, want once for each text", n)
	}
}
