package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/integration/checker"
	"github.com/querycache/querycache/internal/testserver"
)

// A procedure that commits and goes on is seen while it does.
func TestCommitInCall(t *testing.T) {
	p := newPair(t, redisClient(t, testserver.Redis(t)), `CREATE TABLE t (v int); INSERT INTO t VALUES (0);
CREATE PROCEDURE slow() LANGUAGE plpgsql AS $$ BEGIN
 UPDATE t SET v = 1; COMMIT; PERFORM pg_advisory_xact_lock(1); UPDATE t SET v = 2; COMMIT; PERFORM pg_advisory_xact_lock(2); END $$`, nil)
	const query = "SELECT v FROM t"
	p.b.warm(query)
	holder, err := p.bare.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close() // and with it, should this fail, the locks
	if _, err := holder.ExecContext(t.Context(), "SELECT pg_advisory_lock(1), pg_advisory_lock(2)"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := p.a.db.Exec("CALL slow()"); done <- err }()
	for _, want := range []string{"1", "2"} { // the lock, too, that is waited for then
		p.until("COMMIT", func() bool {
			p.b.read(query)
			var v string
			return p.bare.QueryRow(query).Scan(&v) == nil && v == want
		})
		p.b.sees(query, want, 2*poll)
		select {
		case err := <-done:
			t.Fatalf("the call has ended (%v)", err)
		default:
		}
		if _, err := holder.ExecContext(t.Context(), "SELECT pg_advisory_unlock("+want+")"); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// Names are told apart whatever is in them.
func TestNames(t *testing.T) {
	names := []string{`"a,b"`, `a`, `"b"`, `"x:{y}"`, `"t:*"`, `"*"`, `"a ""quoted"" ü"`}
	schema := ""
	for _, name := range names {
		schema += fmt.Sprintf("CREATE TABLE %s (v int); INSERT INTO %[1]s VALUES (0);", name)
	}
	client := redisClient(t, testserver.Redis(t))
	p := newPair(t, client, schema, nil)
	p.unplant(client)
	read := func(name string) string { return "SELECT v FROM " + name }
	for i, written := range names {
		for _, name := range names {
			p.b.warm(read(name))
		}
		p.a.exec("UPDATE " + written + " SET v = v + 1")
		p.b.sees(read(written), "1", longPoll)
		for j, name := range names {
			if _, res := p.b.steady(read(name)); j != i && res.Source() != querycache.Local {
				t.Errorf("%s was written, and %s is from %v", written, name, res.Source())
			}
		}
	}
}

// Rows of a write that are too many to be read at once are shown by others at
// once all the same, however long their reader holds them.
func TestReturningHeldOpen(t *testing.T) {
	p := newPair(t, redisClient(t, testserver.Redis(t)),
		"CREATE TABLE t (id int, v int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 50) i",
		func(c *querycache.Config) { c.MaxRows = 5 })
	const query = "SELECT max(v) FROM t"
	p.b.warm(query)
	rows, err := p.a.db.Query("UPDATE t SET v = v + 1 RETURNING id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	p.b.sees(query, "1", 2*poll)
	n := 0
	for rows.Next() {
		n++
	}
	if err := errors.Join(rows.Err(), rows.Close()); n != 50 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// A write whose rows do not fit into the connection is committed only when they
// are read, and shown by others then.
func TestReturningCommitsLate(t *testing.T) {
	p := newPair(t, redisClient(t, testserver.Redis(t)),
		"CREATE TABLE t (id int, v int, pad text); INSERT INTO t SELECT i, 0, repeat('x', 1000) FROM generate_series(1, 20000) i",
		func(c *querycache.Config) { c.MaxRows = 5 })
	const query = "SELECT max(v) FROM t"
	rows, err := p.a.db.Query("UPDATE t SET v = v + 1 RETURNING id, pad")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	time.Sleep(2 * poll)
	if got, _ := p.b.read(query); got != "0" {
		t.Fatalf("committed already (%s): the test shows nothing", got)
	}
	for rows.Next() { // not read to the end by others' leave
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	p.b.sees(query, "1", longPoll)
	if got, _ := p.a.read(query); got != "1" {
		t.Errorf("the writer reads %s", got)
	}
}

// A COMMIT whose context ends while it waits for a standby takes effect, though
// its caller has got an error.
func TestCommitGivenUp(t *testing.T) {
	server := testserver.NewPostgres(t, "synchronous_commit = off")
	p := newPairOn(t, server.DSN(), redisClient(t, testserver.Redis(t)), "CREATE TABLE t (v int); INSERT INTO t VALUES (0)", nil)
	p.a = p.node(redisClient(t, testserver.Redis(t)), p.dsn+"?synchronous_commit=on", nil)
	const query = "SELECT v FROM t"
	server.Config("synchronous_standby_names = 'ghost'")
	for given, version := 0, 1; given < 6; version++ {
		want := fmt.Sprint(version)
		p.b.warm(query)
		err := p.givenUp(func(ctx context.Context) error {
			if given%2 == 0 {
				_, err := p.a.db.ExecContext(ctx, "UPDATE t SET v = v + 1")
				return err
			}
			tx, err := p.a.db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := tx.Exec("UPDATE t SET v = v + 1"); err != nil {
				return err
			}
			return tx.Commit()
		})
		if err == nil {
			if version > 100 {
				t.Fatal("no COMMIT waits: the test shows nothing")
			}
			time.Sleep(poll) // until all of the server knows that there should be a standby
			continue
		}
		given++
		p.until("the COMMIT takes effect: "+err.Error(), func() bool {
			p.b.read(query)
			var v string
			return p.bare.QueryRow(query).Scan(&v) == nil && v == want
		})
		p.b.sees(query, want, deadline/20+2*longPoll)
	}
}

// givenUp begins a write and gives it up once it waits for a standby. The error is
// nil if it does not.
func (p *pair) givenUp(write func(context.Context) error) (err error) {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	gone := make(chan error, 1)
	go func() { gone <- write(ctx) }()
	p.until("it waits for the standby", func() bool {
		var n int
		return len(gone) > 0 || p.bare.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").Scan(&n) == nil && n > 0
	})
	cancel()
	return <-gone
}

// A statement that takes effect long after its client was killed is found by
// the bump that comes next, and they come in doubled intervals.
func TestStatementOfADeadClient(t *testing.T) {
	t.Parallel()
	const c = 8 * time.Second
	f := newFleet(t, testserver.NewRedis(t).Addr(), 2, 3, func(i int, c *memberConfig) {
		c.DSN += "?client_connection_check_interval=0"
		if c.Writers = 0; i == 0 {
			c.Readers = 0
		}
	})
	f.order(command{Read: &yes})
	var killed time.Time
	f.phase("a dead client's statement lands 8 s later", func() {
		victim := f.members[0]
		victim.order(command{Exec: fmt.Sprintf(strings.ReplaceAll(update, "$1", "1000000777")+" WHERE (SELECT pg_sleep(%d)) IS NOT NULL", 0, c/time.Second)})
		f.until("the statement runs", func() bool {
			var n int
			f.bare.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() AND wait_event = 'PgSleep'").Scan(&n)
			return n > 0
		})
		victim.kill()
		killed = time.Now()
		f.until("it lands", func() bool {
			var v int
			return f.bare.QueryRow("SELECT v FROM t0").Scan(&v) == nil && v > 0
		})
		if since := time.Since(killed); since < deadline {
			t.Errorf("it took effect after %v: the test shows little", since)
		}
		time.Sleep(deadline/2 + 2*poll)
	}, bound{most: c + longPoll, Question: checker.Question{Seen: true}})
	f.works(0)
	f.end()
}
