package integration

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/integration/checker"
)

// witnessed is a table for the checker. What is read through gate has the
// snapshot of its beginning and waits for an advisory lock; stubborn does not let
// itself be cancelled.
const witnessed = `CREATE TABLE t (v bigint NOT NULL, token bigint NOT NULL, log bigint[] NOT NULL);
INSERT INTO t VALUES (0, 0, '{}');
CREATE FUNCTION gate(x bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
 PERFORM pg_advisory_xact_lock(7); RETURN x; END $$;
CREATE FUNCTION stubborn(seconds float) RETURNS bool VOLATILE LANGUAGE plpgsql AS $$
DECLARE until timestamptz := clock_timestamp() + seconds * interval '1 second';
BEGIN WHILE clock_timestamp() < until LOOP
 BEGIN PERFORM pg_sleep(extract(epoch FROM until - clock_timestamp())); EXCEPTION WHEN query_canceled THEN NULL; END;
END LOOP; RETURN true; END $$`

const (
	plain = "SELECT v, token FROM t"
	gated = "SELECT gate(v), token FROM t"
	raise = "UPDATE t SET v = v + 1, token = $1::bigint, log = log || $1::bigint"
)

// A witness is a pair whose reads and writes are noted for the checker, by one
// goroutine at a time.
type witness struct {
	*pair
	checker.History
	token  int64
	began  time.Time
	failed int64 // Syncs by then
}

func newWitness(t *testing.T, client redis.UniversalClient) *witness {
	t.Helper()
	w := &witness{pair: newPair(t, client, witnessed, nil)}
	w.unplant(client)
	w.began, w.failed = time.Now(), w.syncErrors()
	return w
}

// margin is by how much a busy machine widens a bound.
func (w *witness) margin() time.Duration {
	return w.pair.margin(w.began) + w.lateBy(w.syncErrors()-w.failed)
}

func (w *witness) process(n *node) int {
	if n == w.a {
		return 0
	}
	return 1
}

// queryer is a sql.DB or a sql.Tx.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// look reads the row and returns what is to be noted.
func (w *witness) look(n *node, by queryer, query string, bypass bool) checker.Read {
	w.Helper()
	ctx, res := querycache.WithResult(context.Background())
	if bypass {
		ctx = querycache.WithBypass(ctx)
	}
	_, inTx := by.(*sql.Tx)
	r := checker.Read{Process: w.process(n), Begin: now(), Bypass: bypass, InTx: inTx}
	if err := by.QueryRowContext(ctx, query).Scan(&r.Version, &r.Token); err != nil {
		w.Errorf("%s: %v", query, err)
	}
	r.End, r.Source = now(), res.Source().String()
	return r
}

// sees reads and notes it.
func (w *witness) sees(n *node, query string) checker.Read {
	w.Helper()
	r := w.look(n, n.db, query, false)
	w.Reads = append(w.Reads, r)
	return r
}

// keeps reads until the answer is from memory.
func (w *witness) keeps(n *node, query string) {
	w.Helper()
	w.until(query+" from memory", func() bool { return w.sees(n, query).Source == querycache.Local.String() })
}

// watches reads, now and then past the cache, until what is staler than most
// would have been found.
func (w *witness) watches(n *node, most time.Duration) {
	w.Helper()
	for start, i := time.Now(), 0; time.Since(start) < most+w.margin()+slack; i++ {
		w.Reads = append(w.Reads, w.look(n, n.db, plain, i%20 == 19))
		time.Sleep(5 * time.Millisecond)
	}
}

// writes writes and notes it.
func (w *witness) writes(n *node) {
	w.Helper()
	w.token++
	write := checker.Write{Process: w.process(n), Token: w.token, Begin: now(), Outcome: checker.Committed}
	n.exec(raise, w.token)
	write.End = now()
	w.Writes = append(w.Writes, write)
}

// during runs do while n reads with the snapshot from before.
func (w *witness) during(n *node, do func()) {
	w.Helper()
	ctx := context.Background()
	holder, err := w.bare.Conn(ctx)
	if err != nil {
		w.Fatal(err)
	}
	defer holder.Close() // and with it, should this fail, the lock
	if _, err := holder.ExecContext(ctx, "SELECT pg_advisory_lock(7)"); err != nil {
		w.Fatal(err)
	}
	read := make(chan checker.Read, 1)
	go func() { read <- w.look(n, n.db, gated, false) }()
	w.until("the read waits", func() bool {
		var waiting int
		w.bare.QueryRow("SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted").Scan(&waiting)
		return waiting > 0
	})
	do()
	if _, err := holder.ExecContext(ctx, "SELECT pg_advisory_unlock(7)"); err != nil {
		w.Fatal(err)
	}
	w.Reads = append(w.Reads, <-read)
}

// filled waits until nothing waits to be stored in Redis.
func (w *witness) filled(n *node) {
	w.Helper()
	w.until("Redis has it", func() bool { return n.shared().Tier.FillsWaiting == 0 })
}

// shared says how the node's part in the fleet is.
func (n *node) shared() querycache.DatabaseStats { return n.cache.Stats().Shared.Databases[0] }

// verdict is everything that is wrong, answers older than most among it.
func (w *witness) verdict(most time.Duration, q checker.Question) []checker.Violation {
	w.Helper()
	var log string
	if err := w.bare.QueryRow("SELECT array_to_string(log, ' ') FROM t").Scan(&log); err != nil {
		w.Fatal(err)
	}
	w.Logs = [][]int64{nil}
	for _, word := range strings.Fields(log) {
		var token int64
		fmt.Sscan(word, &token)
		w.Logs[0] = append(w.Logs[0], token)
	}
	_, stale := w.Within("the table", q, most+w.margin())
	_, disorder := w.Linearizable(checker.Bypassed, time.Minute)
	return slices.Concat(w.Values(), w.Log(), w.OwnWrites(), stale, disorder)
}
