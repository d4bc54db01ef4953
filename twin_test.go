package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/mistake"
	"github.com/querycache/querycache/internal/twin"
)

// seen is what a read returned for one table. It is judged at the end.
type seen struct {
	table  int
	token  int64
	atLast int // the oldest value allowed
	source querycache.Source
}

const twinTables = 4

// twinRun is a random workload over a few tables with one row each.
type twinRun struct {
	*fixture
	twins  [twinTables]twin.Table
	tokens struct {
		sync.Mutex
		next int64
	}
	mu      sync.Mutex // guards following
	seen    []seen
	wrong   []string
	sources map[querycache.Source]int
}

func newTwinRun(t *testing.T, change func(*querycache.Config)) *twinRun {
	r := &twinRun{fixture: newFixture(t, change), sources: map[querycache.Source]int{}}
	for i := range r.twins {
		r.exec(r.bare, fmt.Sprintf("CREATE TABLE t%d (id INTEGER PRIMARY KEY, v INTEGER NOT NULL)", i))
		r.exec(r.bare, fmt.Sprintf("INSERT INTO t%d VALUES (1, 0)", i))
		r.exec(r.bare, fmt.Sprintf("CREATE VIEW w%d AS SELECT * FROM t%d", i, i))
		r.exec(r.bare, fmt.Sprintf("CREATE TRIGGER r%d INSTEAD OF UPDATE ON w%d BEGIN REPLACE INTO t%d VALUES (NEW.id, NEW.v); END", i, i, i))
	}
	// The tables were made behind the cache's back: let it see them.
	r.exec(r.db, "CREATE TABLE seen (n INTEGER)")
	r.eventuallyCached("SELECT v FROM t0")
	return r
}

func (r *twinRun) token() int64 {
	r.tokens.Lock()
	defer r.tokens.Unlock()
	r.tokens.next++
	return r.tokens.next
}

// read runs a random read and notes what came back.
func (r *twinRun) read(rng *rand.Rand, prepared []*sql.Stmt) error {
	a, b := rng.IntN(twinTables), rng.IntN(twinTables)
	lastA, lastB := r.twins[a].Oldest(), r.twins[b].Oldest()
	ctx, res := querycache.WithResult(context.Background())
	var va, vb int64
	var err error
	switch rng.IntN(4) {
	case 0:
		err = r.db.QueryRowContext(ctx, fmt.Sprintf("SELECT v FROM t%d WHERE id = ?", a), 1).Scan(&va)
		b = a
	case 1:
		err = prepared[a].QueryRowContext(ctx).Scan(&va)
		b = a
	default:
		err = r.db.QueryRowContext(ctx, fmt.Sprintf("SELECT x.v, y.v FROM t%d x, t%d y", a, b)).Scan(&va, &vb)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources[res.Source()]++
	r.seen = append(r.seen, seen{a, va, lastA, res.Source()})
	if b != a {
		r.seen = append(r.seen, seen{b, vb, lastB, res.Source()})
	}
	return nil
}

// write runs a random write to one table or two.
func (r *twinRun) write(rng *rand.Rand) error {
	a := rng.IntN(twinTables)
	w := &r.twins[a]
	w.Writing.Lock()
	defer w.Writing.Unlock()
	token := r.token()
	i := w.Attempt(token)
	update := fmt.Sprintf("UPDATE t%d SET v = %d", a, token)
	ctx := context.Background()
	committed := true
	var err error
	switch rng.IntN(10) {
	case 0:
		_, err = r.db.ExecContext(ctx, update)
	case 1:
		_, err = r.db.ExecContext(ctx, fmt.Sprintf("UPDATE t%d SET v = ?", a), token)
	case 2: // rows of a write, held open for a while
		var rows *sql.Rows
		rows, err = r.db.QueryContext(ctx, update+" RETURNING v")
		if err == nil {
			for range rng.IntN(200) {
				runtime.Gosched()
			}
			for rows.Next() {
			}
			err = rows.Err()
			rows.Close()
		}
	case 3:
		_, err = r.db.ExecContext(ctx, "SELECT 1; "+update)
	case 4, 5:
		committed = rng.IntN(3) > 0
		err = r.inTx(ctx, update, committed)
	case 6, 7:
		committed = rng.IntN(3) > 0
		err = r.inText(ctx, textTransactions[rng.IntN(len(textTransactions))], update, committed)
	case 8:
		through := []string{
			"UPDATE w%d SET v = %d", "REPLACE INTO t%d VALUES (1, %d)",
			"INSERT INTO t%d VALUES (1, %d) ON CONFLICT (id) DO UPDATE SET v = excluded.v",
		}
		_, err = r.db.ExecContext(ctx, fmt.Sprintf(through[rng.IntN(len(through))], a, token))
	case 9:
		committed, err = r.interrupted(rng, update)
	}
	w.Finished(i, committed && err == nil)
	return err
}

// textTransactions are the ways to say in texts that U is committed or undone.
var textTransactions = []struct{ commit, undo []string }{
	{[]string{"BEGIN IMMEDIATE", "U", "COMMIT"}, []string{"BEGIN IMMEDIATE", "U", "ROLLBACK"}},
	{[]string{"SAVEPOINT a", "U", "SAVEPOINT b", "RELEASE A"}, []string{"SAVEPOINT a", "U", "ROLLBACK TO a", "RELEASE a"}},
	{[]string{"BEGIN IMMEDIATE; U", "END"}, []string{"BEGIN IMMEDIATE; U", "SAVEPOINT a; ROLLBACK"}},
	{
		[]string{"BEGIN; COMMIT; BEGIN IMMEDIATE; U", "COMMIT"},
		[]string{"BEGIN IMMEDIATE", "ROLLBACK; BEGIN IMMEDIATE; U", "ROLLBACK"},
	},
}

func (r *twinRun) inTx(ctx context.Context, update string, commit bool) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, update); err != nil {
		return err
	}
	var v int64
	table := strings.Fields(update)[1]
	if err := tx.QueryRowContext(ctx, "SELECT v FROM "+table+" WHERE id = ?", 1).Scan(&v); err != nil {
		return err
	}
	if !strings.HasSuffix(update, fmt.Sprint(" ", v)) {
		r.mu.Lock()
		r.wrong = append(r.wrong, fmt.Sprintf("a transaction does not see its own write: %d after %s", v, update))
		r.mu.Unlock()
	}
	if commit {
		return tx.Commit()
	}
	return tx.Rollback()
}

func (r *twinRun) inText(ctx context.Context, texts struct{ commit, undo []string }, update string, commit bool) error {
	c, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	list := texts.undo
	if commit {
		list = texts.commit
	}
	for _, text := range list {
		if _, err := c.ExecContext(ctx, strings.Replace(text, "U", update, 1)); err != nil {
			return err
		}
	}
	return nil
}

// interrupted writes in a transaction under a context that ends some time. Nobody
// tells what came of it, so the database is asked, which nobody else writes now.
func (r *twinRun) interrupted(rng *rand.Rand, update string) (committed bool, err error) {
	c, err := r.db.Conn(context.Background())
	if err != nil {
		return false, err
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wait := rng.IntN(300)
	go func() {
		for range wait {
			runtime.Gosched()
		}
		cancel()
	}()
	for _, text := range []string{"BEGIN IMMEDIATE", update, "COMMIT"} {
		if _, err := c.ExecContext(ctx, text); err != nil {
			break
		}
	}
	_, _ = c.ExecContext(context.Background(), "ROLLBACK") // fails if none is open
	fields := strings.Fields(update)
	var v string
	err = r.bare.QueryRow("SELECT v FROM " + fields[1]).Scan(&v)
	return v == fields[len(fields)-1], err
}

// run does n operations and returns what was wrong.
func (r *twinRun) run(seed uint64, n int) []string {
	r.db.SetMaxIdleConns(8)
	prepared := make([]*sql.Stmt, twinTables)
	for i := range prepared {
		st, err := r.db.Prepare(fmt.Sprintf("SELECT v FROM t%d", i))
		if err != nil {
			r.Fatal(err)
		}
		defer st.Close()
		prepared[i] = st
	}
	const workers = 8
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(worker)))
			for range n / workers {
				var err error
				if rng.IntN(4) == 0 {
					err = r.write(rng)
				} else {
					err = r.read(rng, prepared)
				}
				if err != nil {
					r.Errorf("worker %d: %v", worker, err)
					return
				}
			}
		})
	}
	wg.Wait()
	violations := r.wrong
	for _, s := range r.seen {
		if wrong := r.twins[s.table].Judge(s.token, s.atLast); wrong != "" {
			violations = append(violations, fmt.Sprintf("t%d: %s, from %v", s.table, wrong, s.source))
		}
	}
	// Whatever is cached now must be what the database says.
	for a := range twinTables {
		q := fmt.Sprintf("SELECT v FROM t%d", a)
		want, _ := r.fixture.read(r.bare, q)
		if got, res := r.fixture.read(r.db, q); got != want {
			violations = append(violations, fmt.Sprintf("at rest: t%d is %q, from %v %q", a, want, res.Source(), got))
		}
	}
	return violations
}

// TestTwin runs thousands of random operations from many goroutines and
// transactions; no read may show a state that it must not.
func TestTwin(t *testing.T) {
	for seed := range uint64(3) {
		r := newTwinRun(t, nil)
		for _, v := range r.run(seed, 4000) {
			t.Error(v)
		}
		if r.sources[querycache.Local] < 100 {
			t.Errorf("only %d reads came from memory: the test shows little (%v)", r.sources[querycache.Local], r.sources)
		}
	}
}

// TestTwinFindsFaults proves that TestTwin can fail: each mistake must show.
func TestTwinFindsFaults(t *testing.T) {
	for _, m := range []mistake.Mistake{mistake.StampLate, mistake.BumpEarly, mistake.BumpFirst, mistake.FillInTx} {
		t.Run(m.String(), func(t *testing.T) {
			for seed := range uint64(50) {
				r := newTwinRun(t, nil)
				undo := mistake.Make(m)
				found := r.run(seed, 1500)
				undo()
				if len(found) > 0 {
					return
				}
			}
			t.Error("no violation was reported")
		})
	}
}
