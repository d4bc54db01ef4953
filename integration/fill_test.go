package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/integration/checker"
)

// fillSchema has an answer of many rows, more than fit into the connection. In the
// middle of it, pass waits for an advisory lock; a row further on, where fuse says,
// ends it by an error.
const fillSchema = `CREATE TABLE big (id int NOT NULL, pad text NOT NULL);
INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 600) i;
CREATE TABLE fuse (at int NOT NULL); INSERT INTO fuse VALUES (0);
CREATE FUNCTION pass(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
 IF x = 300 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF; RETURN x; END $$;
CREATE FUNCTION trip(x int, at int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
 IF x = at THEN RAISE EXCEPTION 'tripped'; END IF; RETURN x; END $$`

const (
	divides = "1 / (1 - (id = (SELECT at FROM fuse))::int)"
	trips   = "trip(id, (SELECT at FROM fuse))"
)

// A filler is a pair whose answers end in the middle. a reaches the database
// through a toxic way, and so does bare; c reads what the others have left.
type filler struct {
	*pair
	c      *node
	bare   *sql.DB
	holder *sql.Conn
	put    func(toxic)
	texts  int
}

func newFiller(t *testing.T, client redis.UniversalClient) *filler {
	t.Helper()
	f := &filler{pair: newPair(t, client, fillSchema, nil)}
	var addr string
	addr, f.put = newToxic(t, hostOf(t, f.dsn))
	f.a = f.node(client, through(t, f.dsn, addr), nil)
	f.c = f.node(client, f.dsn, nil)
	if client != nil {
		f.unplant(client)
	}
	f.bare = openBare(t, through(t, f.dsn, addr))
	var err error
	if f.holder, err = f.pair.bare.Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.holder.Close() }) // and with it the lock
	return f
}

// holds runs a statement on the connection that holds the lock.
func (f *filler) holds(text string, args ...any) {
	f.Helper()
	if _, err := f.holder.ExecContext(context.Background(), text, args...); err != nil {
		f.Fatal(err)
	}
}

// waiting are the server's processes that wait in the middle of their rows.
func (f *filler) waiting() (pids []int) {
	f.Helper()
	rows, err := f.pair.bare.Query(`SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted`)
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			f.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if err := rows.Err(); err != nil {
		f.Fatal(err)
	}
	return pids
}

// text is what is read under an end: a text that nobody has read before.
func (f *filler) text(e end, hint string) string {
	f.texts++
	if e.spark == "" {
		e.spark = divides
	}
	return fmt.Sprintf("SELECT /* cache: %s %s */ id, pad, pass(id), %s FROM big WHERE id > -%d", hint, e.hint, e.spark, f.texts)
}

// whole is the whole answer.
func (f *filler) whole(query string) *checker.Whole {
	f.Helper()
	w := new(checker.Whole)
	rows, err := f.pair.bare.Query(query)
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			f.Fatal(err)
		}
		w.Add(row...)
	}
	if err := rows.Err(); err != nil || w.Rows() != 600 {
		f.Fatalf("%d rows, %v", w.Rows(), err)
	}
	return w
}

func scan(row interface{ Scan(...any) error }) ([]any, error) {
	var id, pass, spark int
	var pad string
	err := row.Scan(&id, &pad, &pass, &spark)
	return []any{id, pad, pass, spark}, err
}

// A reader is how one reads an answer of many rows.
type reader uint8

const (
	readsAll reader = iota
	prepared        // all, of a prepared statement
	leaves          // closes after some rows
	readsOne        // by QueryRow
	givesUp         // its context ends after some rows
	timesOut        // has a session with a statement_timeout
)

// some is how many rows one reads who does not read all.
const some = 5

// reads reads and returns what it was given.
func (by reader) reads(ctx context.Context, name string, db *sql.DB, query string) (x checker.Extract) {
	ctx, res := querycache.WithResult(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x.Name = name
	err := by.read(ctx, cancel, db, query, &x)
	x.Err, x.Source = classOf(err), res.Source().String()
	return x
}

func (by reader) read(ctx context.Context, cancel func(), db *sql.DB, query string, x *checker.Extract) error {
	ask := db.QueryContext
	switch by {
	case readsOne:
		row, err := scan(db.QueryRowContext(ctx, query))
		x.Left = true
		if err == nil {
			x.Add(row...)
		}
		return err
	case prepared:
		st, err := db.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		defer st.Close()
		ask = func(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
			return st.QueryContext(ctx, args...)
		}
	case timesOut:
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.ExecContext(ctx, "SET statement_timeout = '1s'"); err != nil {
			return err
		}
		defer c.ExecContext(ctx, "RESET statement_timeout") // a broken connection has none
		ask = c.QueryContext
	}
	rows, err := ask(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return errors.Join(err, rows.Close())
		}
		x.Add(row...)
		if x.Rows == some && by == leaves {
			x.Left = true
			return rows.Close()
		}
		if x.Rows == some && by == givesUp {
			cancel()
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// classOf says of an error what does not differ from try to try.
func classOf(err error) string {
	var pg *pgconn.PgError
	var network net.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &pg):
		return pg.Code
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "network"
	}
	return err.Error()
}

// readers read at the same time; wait returns what they were given.
type readers []chan checker.Extract

func (rs *readers) start(read func() checker.Extract) {
	ch := make(chan checker.Extract, 1)
	*rs = append(*rs, ch)
	go func() { ch <- read() }()
}

// ended returns what the first was given, if it was.
func (rs readers) ended() (x checker.Extract, ok bool) {
	select {
	case x = <-rs[0]:
		rs[0] <- x
		return x, true
	default:
		return x, false
	}
}

func (rs readers) wait() (all []checker.Extract) {
	for _, ch := range rs {
		all = append(all, <-ch)
	}
	return all
}

// join is for how long those who read as well have time to find that somebody
// loads already: nothing tells when they have.
const join = 20 * time.Millisecond
