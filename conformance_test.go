package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/querycache/querycache/internal/fakedriver"
)

// A scenario does what a program could do through database/sql and notes all
// that the program can observe. It must come out the same on the bare driver
// and on the wrapped one.
type scenario struct {
	name string
	run  func(p *play)
	// cold: the scenario makes a hinted read fail, which an answer from
	// memory rightly would not.
	cold bool
	// leaks: database/sql itself leaves something open.
	leaks bool
}

var scenarios = slices.Concat(
	readScenarios, argScenarios, stmtScenarios, txScenarios, cancelScenarios, connScenarios, poolScenarios)

// An opener opens a database over a server: bare or wrapped.
type opener func(t testing.TB, c *fakedriver.Server, shape fakedriver.Shape, hot bool) *sql.DB

func bare(_ testing.TB, srv *fakedriver.Server, shape fakedriver.Shape, _ bool) *sql.DB {
	return sql.OpenDB(srv.Connector(shape))
}

func wrapping(t testing.TB, srv *fakedriver.Server, shape fakedriver.Shape, hot bool) *sql.DB {
	return wrapped(t, srv.Connector(shape), hot)
}

// TestConformance plays every scenario on every shape of driver, bare and
// wrapped, as the first thing that happens and after the reads that it may do
// were answered before.
func TestConformance(t *testing.T) {
	for _, shape := range fakedriver.Shapes() {
		t.Run(shape.String(), func(t *testing.T) {
			for _, hot := range []bool{false, true} {
				for _, sc := range scenarios {
					if hot && sc.cold {
						continue
					}
					t.Run(sc.name+map[bool]string{false: "/cold", true: "/hot"}[hot], func(t *testing.T) {
						want := act(t, sc, shape, hot, bare)
						for _, line := range want {
							if strings.HasPrefix(line, broken) {
								t.Fatalf("the bare driver breaks a rule, so the scenario does: %s", line)
							}
						}
						if diff := compare(act(t, sc, shape, hot, wrapping), want); diff != "" {
							t.Error(diff)
						}
					})
				}
			}
		})
	}
}

// broken begins a line that no scenario may have.
const broken = "BROKEN: "

// act plays a scenario in a bubble: waiting takes no time, and a goroutine
// that is left behind is an error.
func act(t *testing.T, sc scenario, shape fakedriver.Shape, hot bool, open opener) (lines []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := fakedriver.New()
		db := open(t, srv, shape, hot)
		defer db.Close() // where a scenario cannot go on
		p := &play{T: t, db: db, srv: srv, shape: shape}
		if hot {
			warm(p)
		}
		sc.run(p)
		p.err("closing", db.Close())
		p.say("connector closed %d times", srv.Count(fakedriver.OpCloseConnector))
		synctest.Wait()
		for _, m := range srv.Misuse() {
			p.say(broken+"%s", m)
		}
		if left := srv.LeftOpen(); left != "" && !sc.leaks {
			p.say(broken+"%s", left)
		}
		lines = p.lines
	})
	return lines
}

// compare returns "" or the first difference, with what came before it.
func compare(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return fmt.Sprintf("%s\nwrapped: %s\nbare:    %s", strings.Join(want[max(0, i-6):min(i, len(want))], "\n"), g, w)
		}
	}
	return ""
}

// hinted returns a SELECT that may be answered from memory.
func hinted(what string) string { return "SELECT /* cache: ttl=1m tables=t */ " + what }

var (
	all    = hinted("* FROM t")
	byID   = hinted("* FROM t WHERE id = ?")
	types  = hinted("types FROM t")
	three  = hinted("rows(3) FROM t")
	none   = hinted("none FROM t")
	dup    = hinted("dup FROM t")
	sets   = hinted("sets FROM t")
	tenant = hinted("tenant FROM t")
	one    = hinted("* FROM t WHERE id = 1")
	echo   = hinted("args(?) FROM t")
	echo2  = hinted("args(?, ?) FROM t")
)

// What follows is never answered from memory.
const (
	plain     = "SELECT * FROM t"
	plainByID = "SELECT * FROM t WHERE id = ?"
	insert    = "INSERT INTO t VALUES (?, ?)"
	update    = "UPDATE t SET v = ? WHERE id = ?"
)

// warmReads are those of the scenarios that can be answered from memory.
var warmReads = []struct {
	text string
	args []any
}{
	{all, nil}, {types, nil}, {three, nil}, {none, nil}, {dup, nil}, {tenant, nil},
	{byID, []any{1}}, {byID, []any{2}}, {byID, []any{3}}, {byID, []any{9}},
	{echo, []any{int64(7)}}, {echo, []any{"7"}}, {echo2, []any{1, "x"}},
}

// warm does the warm reads three times: the first makes the entries, the
// others are answered by them, if there is a cache.
func warm(p *play) {
	p.Helper()
	before := 0
	for round := range 3 {
		for _, r := range warmReads {
			quiet := &play{T: p.T, db: p.db}
			quiet.query(p.db, r.text, r.args...)
		}
		if n := p.srv.Count(fakedriver.OpStatement); round == 0 {
			before = n
		} else if wrappedCaches(p.db) && n != before {
			p.Errorf("%d statements of round %d reached the database, want none: nothing is hot", n-before, round)
		}
	}
}

// ctx is the context of what has none in particular.
var ctx = context.Background()
