package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/twin"
)

const twinTables = 4

// twinRun is a random workload over a few tables with one row each, half of
// them partitioned.
type twinRun struct {
	*fixture
	twins   [twinTables]twin.Table
	token   atomic.Int64
	mu      sync.Mutex // guards following
	seen    []seen
	sources map[querycache.Source]int
}

type seen struct {
	table, oldest int
	value         int64
	from          querycache.Source
	how           string
}

// TestTwin runs thousands of random operations from many goroutines and
// transactions of every isolation level; no read may show a state that it must
// not.
func TestTwin(t *testing.T) {
	r := &twinRun{fixture: newFixture(t, nil), sources: make(map[querycache.Source]int)}
	for i := range twinTables {
		partition, leaf := "", ""
		if i%2 == 1 {
			partition, leaf = " PARTITION BY HASH (id)", fmt.Sprintf("CREATE TABLE t%d_leaf PARTITION OF t%d FOR VALUES WITH (MODULUS 1, REMAINDER 0);", i, i)
		}
		r.exec(r.bare, fmt.Sprintf(`CREATE TABLE t%d (id int PRIMARY KEY, v bigint NOT NULL)%s; %s INSERT INTO t%d VALUES (1, 0);
 CREATE FUNCTION put%d(n bigint) RETURNS void LANGUAGE sql AS 'UPDATE t%d SET v = n';
 CREATE VIEW v%d AS SELECT * FROM t%d`, i, partition, leaf, i, i, i, i, i))
	}
	r.exec(r.db, "CREATE TABLE new_to_the_cache (n int)") // now it knows all of them
	r.warm(r.db, "SELECT v FROM t0")
	r.db.SetMaxIdleConns(8)
	const workers, each = 8, 600
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(worker)))
			for range each {
				do := r.readOne
				if rng.IntN(5) == 0 {
					do = r.writeOne
				}
				if err := do(rng); err != nil {
					t.Errorf("worker %d: %v", worker, err)
					return
				}
			}
		})
	}
	group.Wait()
	for _, s := range r.seen {
		if wrong := r.twins[s.table].Judge(s.value, s.oldest); wrong != "" {
			t.Errorf("t%d: %s, from %v by %s", s.table, wrong, s.from, s.how)
		}
	}
	for i := range twinTables {
		q := fmt.Sprintf("SELECT v FROM t%d", i)
		want, _ := r.read(r.bare, q)
		if got, res := r.read(r.db, q); got != want {
			t.Errorf("at rest: t%d is %s, from %v %s", i, want, res.Source(), got)
		}
	}
	if r.sources[querycache.Local] < 100 {
		t.Errorf("only %d reads came from memory: the test shows little (%v)", r.sources[querycache.Local], r.sources)
	}
	t.Logf("%d values judged: %v, refused for %v", len(r.seen), r.sources, r.cache.Stats().Bypasses)
}

var levels = []sql.IsolationLevel{sql.LevelDefault, sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable}

func (r *twinRun) readOne(rng *rand.Rand) error {
	i := rng.IntN(twinTables)
	how := []string{"SELECT v FROM t%d", "SELECT v FROM t%d WHERE id = $1", "SELECT v FROM v%d", "SELECT max(v) FROM t%d"}[rng.IntN(4)]
	var args []any
	if how == "SELECT v FROM t%d WHERE id = $1" {
		args = []any{1}
	}
	oldest := r.twins[i].Oldest()
	ctx, res := querycache.WithResult(context.Background())
	var v int64
	if err := r.db.QueryRowContext(ctx, fmt.Sprintf(how, i), args...).Scan(&v); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources[res.Source()]++
	r.seen = append(r.seen, seen{i, oldest, v, res.Source(), how})
	return nil
}

// writeOne runs a random write. A serialization failure is no mistake.
func (r *twinRun) writeOne(rng *rand.Rand) error {
	i := rng.IntN(twinTables)
	w := &r.twins[i]
	w.Writing.Lock()
	defer w.Writing.Unlock()
	value := r.token.Add(1)
	try := w.Attempt(value)
	update := fmt.Sprintf("UPDATE t%d SET v = %d", i, value)
	ctx, committed := context.Background(), true
	var err error
	how := rng.IntN(9)
	if (how == 4 || how == 5) && rng.IntN(100) > 0 {
		how = 0 // after these two the catalog is looked at again, so they are rare
	}
	switch how {
	case 0:
		_, err = r.db.ExecContext(ctx, update)
	case 1:
		_, err = r.db.ExecContext(ctx, fmt.Sprintf("INSERT INTO t%d VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET v = excluded.v", i), value)
	case 2:
		var got int64
		err = r.db.QueryRowContext(ctx, update+" RETURNING v").Scan(&got)
	case 3:
		_, err = r.db.ExecContext(ctx, "SELECT 1; "+update, pgx.QueryExecModeSimpleProtocol)
	case 4:
		_, err = r.db.ExecContext(ctx, fmt.Sprintf("SELECT put%d(%d)", i, value))
	case 5:
		_, err = r.db.ExecContext(ctx, fmt.Sprintf("DO $$ BEGIN %s; END $$", update))
	case 6:
		committed = rng.IntN(2) == 0
		err = r.inText(ctx, update, committed)
	default:
		committed = rng.IntN(3) > 0
		err = r.inTx(ctx, rng, update, committed)
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) && state.SQLState() == "40001" {
		committed, err = false, nil
	}
	w.Finished(try, committed && err == nil)
	return err
}

func (r *twinRun) inTx(ctx context.Context, rng *rand.Rand, update string, commit bool) error {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{Isolation: levels[rng.IntN(len(levels))]})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if rng.IntN(2) == 0 { // its snapshot is older than its write
		if _, err := dump(ctx, tx, "SELECT v FROM t0"); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, update); err != nil {
		return err
	}
	if commit {
		return tx.Commit()
	}
	return tx.Rollback()
}

func (r *twinRun) inText(ctx context.Context, update string, commit bool) error {
	c, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	end := "ROLLBACK"
	if commit {
		end = "COMMIT"
	}
	for _, text := range []string{"BEGIN", update, "SAVEPOINT s", "RELEASE s", end} {
		if _, err := c.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}
