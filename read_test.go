package querycache_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/local"
)

// Why reads are not cached.
func TestRefusals(t *testing.T) {
	f := newFixture(t, nil)
	f.exec(f.db, "CREATE TABLE names (now TEXT)")
	tests := []struct {
		query  string
		args   []any
		reason querycache.Reason
	}{
		{"SELECT 1", nil, dialect.ReasonNoRelation},
		{"SELECT n, random() FROM other", nil, dialect.ReasonVolatile},
		{"SELECT n, date('now') FROM other", nil, dialect.ReasonClock},
		{"SELECT n, CURRENT_TIMESTAMP FROM other", nil, dialect.ReasonClock},
		{"SELECT name FROM sqlite_schema", nil, dialect.ReasonSystemTable},
		{"SELECT n FROM other; SELECT n FROM other", nil, dialect.ReasonNotRead},
		{"SELECT n /* cache: off */ FROM other", nil, querycache.ReasonOff},
		{"SELECT n /* cache: ttl=1 */ FROM other", nil, querycache.ReasonMalformedHint},
		{"SELECT n /* cache: ttl=1s tables=nowhere */ FROM other", nil, querycache.ReasonTable},
		{"SELECT n FROM other WHERE n = ?", []any{sqlValuer{}}, querycache.ReasonArg},
	}
	f.eventuallyCached(other)
	for _, tt := range tests {
		if tt.reason == dialect.ReasonNotRead {
			continue // runs as a statement that may write; reported nowhere
		}
		f.refused(f.db, tt.reason, tt.query, tt.args...)
	}
	st := f.cache.Stats()
	for _, tt := range tests {
		if tt.reason != dialect.ReasonNotRead && st.Bypasses[tt.reason] == 0 {
			t.Errorf("%s is not counted: %v", tt.reason, st.Bypasses)
		}
	}
	if st.MalformedHints != 1 {
		t.Errorf("%d malformed hints counted, want 1", st.MalformedHints)
	}
}

type sqlValuer struct{}

func (sqlValuer) Value() (driver.Value, error) { return int64(1), nil }

// A user may vouch for a read that analysis refuses.
func TestVouched(t *testing.T) {
	f := newFixture(t, nil)
	const vouched = "SELECT strftime('%Y', '2026-11-24') /* cache: ttl=1m tables=other */ FROM other"
	f.warm(vouched)
	f.exec(f.db, "UPDATE other SET n = 1")
	f.fresh(vouched)

	// A view stands for what it reads.
	const view = "SELECT random() > 0 OR 1 /* cache: ttl=1m tables=shelf */"
	f.warm(view)
	f.exec(f.db, "UPDATE authors SET name = 'V'")
	f.fresh(view)
}

// Every way to read is cached, and an answer from memory is what the database
// gave: values, types, columns, metadata.
func TestShapes(t *testing.T) {
	queries := []string{
		"SELECT * FROM books ORDER BY id",
		"SELECT id, cover, price FROM books ORDER BY id",
		"SELECT id AS x, id AS x FROM books",
		"SELECT * FROM books WHERE id = 12345",
		"SELECT count(*), sum(price), avg(price), group_concat(title) FROM books",
		"SELECT * FROM shelf ORDER BY 1",
		"WITH x AS (SELECT n FROM other) SELECT * FROM x",
		"SELECT n, NULL, 'a', 1.5, x'01', x'' FROM other",
		"VALUES (1), ((SELECT n FROM other))",
	}
	f := newFixture(t, nil)
	for _, q := range queries {
		t.Run(q, func(t *testing.T) {
			bare := describeRows(t, f.bare, q)
			cold := describeRows(t, f.db, q)
			hot := describeRows(t, f.db, q)
			if cold != bare {
				t.Errorf("cold\n%s\nbare\n%s", cold, bare)
			}
			if hot != bare {
				t.Errorf("hot\n%s\nbare\n%s", hot, bare)
			}
			f.cached(q)
		})
	}
}

// describeRows writes down all that a caller can see of a result.
func describeRows(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasSize := c.DecimalSize()
		nullable, known := c.Nullable()
		fmt.Fprintln(&b, c.Name(), c.DatabaseTypeName(), c.ScanType(), length, hasLength, precision, scale, hasSize, nullable, known)
	}
	for rows.Next() {
		values := make([]any, len(types))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			fmt.Fprintf(&b, "%#v ", *v.(*any))
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintln(&b, rows.Err(), rows.NextResultSet())
	return b.String()
}

// What one reader does to his values is not seen by the next.
func TestReadersDoNotShareMemory(t *testing.T) {
	f := newFixture(t, nil)
	const q = "SELECT cover FROM books WHERE id = 1"
	f.warm(q)
	want, _ := f.read(f.bare, q)
	for range 3 {
		rows, err := f.db.Query(q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var raw sql.RawBytes
			if err := rows.Scan(&raw); err != nil {
				t.Fatal(err)
			}
			for i := range raw {
				raw[i] = 0xee
			}
		}
		columns, err := rows.Columns()
		if err == nil {
			columns[0] = "scribbled"
		}
		rows.Close()
		if got, _ := f.read(f.db, q); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}

func TestQueryRowPreparedAndEarlyClose(t *testing.T) {
	f := newFixture(t, nil)
	st, err := f.db.Prepare("SELECT title FROM books WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	steps := map[string]func(context.Context) error{
		"QueryRow": func(ctx context.Context) error {
			var title string
			return f.db.QueryRowContext(ctx, "SELECT title FROM books ORDER BY id").Scan(&title)
		},
		"no rows": func(ctx context.Context) error {
			var title string
			err := f.db.QueryRowContext(ctx, "SELECT title FROM books WHERE id = -1").Scan(&title)
			if err != sql.ErrNoRows {
				return fmt.Errorf("%w, want ErrNoRows", err)
			}
			return nil
		},
		"prepared": func(ctx context.Context) error {
			var title string
			return st.QueryRowContext(ctx, 2).Scan(&title)
		},
		"early close": func(ctx context.Context) error {
			rows, err := f.db.QueryContext(ctx, "SELECT title, id FROM books ORDER BY id")
			if err != nil {
				return err
			}
			rows.Next()
			return rows.Close()
		},
		"in a sql.Conn": func(ctx context.Context) error {
			c, err := f.db.Conn(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			var title string
			return c.QueryRowContext(ctx, "SELECT title FROM books ORDER BY id DESC").Scan(&title)
		},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			for i, want := range []querycache.Source{querycache.Database, querycache.Local, querycache.Local} {
				ctx, res := querycache.WithResult(context.Background())
				if err := step(ctx); err != nil {
					t.Fatal(err)
				}
				if res.Source() != want {
					t.Errorf("call %d from %v (%s), want %v", i, res.Source(), res.Reason(), want)
				}
			}
		})
	}
}

// 500 readers of one cold key make one query, over one real connection.
func TestColdKeyIsLoadedOnce(t *testing.T) {
	f := newFixture(t, nil)
	f.read(f.db, other)
	before := f.cache.Stats()
	// Slow enough that the others come while it runs.
	const slow = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 300000) SELECT count(*), (SELECT n FROM other) FROM c"
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			<-start
			var n, m int
			if err := f.db.QueryRow(slow).Scan(&n, &m); err != nil || n != 300000 {
				t.Error(n, err)
			}
		})
	}
	close(start)
	wg.Wait()
	st := f.cache.Stats()
	if misses := st.Misses - before.Misses; misses != 1 {
		t.Errorf("%d queries, want 1", misses)
	}
	if st.Conns.Dials != before.Conns.Dials {
		t.Errorf("%d connections opened, want none", st.Conns.Dials-before.Conns.Dials)
	}
}

// Hits need no real connection, and keep their pace while all are busy.
func TestHitsNeedNoConnection(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.Conns.Max = 2 })
	f.warm(books)
	dials := f.cache.Stats().Conns.Dials
	var held []*sql.Tx
	for range 2 {
		tx, err := f.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, tx)
	}
	dials2 := f.cache.Stats().Conns.Dials
	var wg sync.WaitGroup
	for range 80 {
		wg.Go(func() {
			for range 20 {
				if _, res := f.read(f.db, books); res.Source() != querycache.Local {
					t.Errorf("from %v", res.Source())
				}
			}
		})
	}
	wg.Wait()
	st := f.cache.Stats()
	if st.Conns.Dials != dials2 {
		t.Errorf("80 concurrent hits opened %d connections", st.Conns.Dials-dials2)
	}
	if dials2 > dials+2 || st.Conns.Open > 2 {
		t.Errorf("%+v, at most 2 are allowed", st.Conns)
	}
	// One that needs a connection waits, within its context.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	waits := make(chan error, 1)
	go func() { _, err := dump(ctx, f.db, "SELECT max(n) FROM other"); waits <- err }()
	for end := time.Now().Add(patience); f.cache.Stats().Conns.Waits == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody waits, or it is not counted")
		}
	}
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	for _, tx := range held {
		tx.Rollback()
	}
	f.read(f.db, "SELECT max(n) FROM other")
}

// Texts that differ only in a comment share their answers.
func TestCommentsAreNotPartOfTheKey(t *testing.T) {
	f := newFixture(t, nil)
	f.warm("SELECT n FROM other")
	for i := range 100 {
		q := fmt.Sprintf("SELECT n FROM other /* traceparent='%d' */", i)
		if _, res := f.read(f.db, q); res.Source() != querycache.Local {
			t.Fatalf("%s: from %v", q, res.Source())
		}
	}
}

func TestLimits(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.MaxRows = 2; c.MaxBytes = 2000 })
	for _, tt := range []struct {
		query  string
		cached bool
	}{
		{"SELECT id FROM books LIMIT 2", true},
		{"SELECT id FROM books", false},
		{"SELECT id /* cache: ttl=1m max_rows=3 */ FROM books", true},
		{"SELECT printf('%.*c', 3000, 'x') FROM other", false},
		{"SELECT printf('%.*c', 3000, 'x') /* cache: ttl=1m max_bytes=10000 */ FROM other", true},
	} {
		want, _ := f.read(f.bare, tt.query)
		first, _ := f.read(f.db, tt.query)
		second, res := f.read(f.db, tt.query)
		if first != want || second != want {
			t.Errorf("%s: wrong rows", tt.query)
		}
		if (res.Source() == querycache.Local) != tt.cached {
			t.Errorf("%s: from %v (%s)", tt.query, res.Source(), res.Reason())
		}
		if !tt.cached && res.Reason() != querycache.ReasonTooLarge {
			t.Errorf("%s: reason %q", tt.query, res.Reason())
		}
	}
}

func TestRulesAndPrecedence(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) {
		c.DefaultTTL = 0
		c.Rules = []querycache.Rule{
			{Tables: []string{"audit"}, Off: true},
			{Tables: []string{"main.Books", "authors"}, TTL: time.Minute},
		}
	})
	ttl := func(ctx context.Context, q string) (time.Duration, querycache.Reason) {
		ctx, res := querycache.WithResult(ctx)
		if _, err := dump(ctx, f.db, q); err != nil {
			t.Fatal(err)
		}
		return res.TTL(), res.Reason()
	}
	ctx := context.Background()
	for _, tt := range []struct {
		ctx    context.Context
		query  string
		ttl    time.Duration
		reason querycache.Reason
	}{
		{ctx, "SELECT 1 FROM books", time.Minute, ""},
		{ctx, "SELECT 1 FROM shelf", time.Minute, ""},
		{ctx, "SELECT 1 FROM books, other", 0, querycache.ReasonNoTTL},
		{ctx, "SELECT 1 FROM other", 0, querycache.ReasonNoTTL},
		{ctx, "SELECT 1 /* cache: ttl=2s */ FROM other", 2 * time.Second, ""},
		{ctx, "SELECT 1 /* cache: ttl=2s */ FROM books", 2 * time.Second, ""},
		{querycache.WithTTL(ctx, 3*time.Second), "SELECT 1 /* cache: ttl=2s */ FROM books", 3 * time.Second, ""},
		{querycache.WithTTL(ctx, 3*time.Second), "SELECT 1 FROM other", 3 * time.Second, ""},
		{querycache.WithTTL(ctx, 0), "SELECT 1 FROM books", 0, querycache.ReasonOff},
		{querycache.WithBypass(ctx), "SELECT 1 FROM books", 0, querycache.ReasonOff},
		{querycache.WithTTL(ctx, time.Hour), "SELECT 1 /* cache: off */ FROM books", 0, querycache.ReasonOff},
		{querycache.WithTTL(ctx, time.Hour), "SELECT 1 /* cache: ttl=1s */ FROM audit", 0, querycache.ReasonOff},
		{ctx, "SELECT 1 /* cache: ttl=1s */ FROM audit, books", 0, querycache.ReasonOff},
	} {
		if got, reason := ttl(tt.ctx, tt.query); got != tt.ttl || reason != tt.reason {
			t.Errorf("%s: ttl %v, reason %q, want %v, %q", tt.query, got, reason, tt.ttl, tt.reason)
		}
	}
}

// A caller with a shorter lifetime is not given what is older.
func TestShorterTTLHolds(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.DefaultTTL = time.Hour })
	f.warm(other)
	source := func(ttl time.Duration) querycache.Source {
		ctx, res := querycache.WithResult(querycache.WithTTL(context.Background(), ttl))
		if _, err := dump(ctx, f.db, other); err != nil {
			t.Fatal(err)
		}
		return res.Source()
	}
	if got := source(time.Nanosecond); got != querycache.Database {
		t.Errorf("with 1ns from %v", got)
	}
	if got := source(time.Hour); got == querycache.Local {
		t.Log("refilled by the caller before, as it may be")
	}
}

func TestRefresh(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	f.exec(f.bare, "UPDATE other SET n = 31") // unseen by the cache
	if got, res := f.read(f.db, other); res.Source() != querycache.Local || got != "int64:0 \n" {
		t.Fatalf("%q from %v: the test shows nothing", got, res.Source())
	}
	ctx := querycache.WithRefresh(context.Background())
	if got, err := dump(ctx, f.db, other); err != nil || got != "int64:31 \n" {
		t.Errorf("%q, %v", got, err)
	}
	f.cached(other)
}

// Reads bypass while the cache is off, writes are still seen.
func TestSetEnabled(t *testing.T) {
	f := newFixture(t, nil)
	f.warm(other)
	f.warm(authors)
	f.cache.SetEnabled(false)
	f.refused(f.db, querycache.ReasonDisabled, other)
	f.exec(f.db, "UPDATE other SET n = 5")
	f.cache.SetEnabled(true)
	f.fresh(other)
	f.cached(authors)

	f.cache.Close()
	f.cache.Close()
	f.cache.SetEnabled(true)
	f.refused(f.db, querycache.ReasonDisabled, other)
	f.exec(f.db, "UPDATE other SET n = 6")
}

func TestStrict(t *testing.T) {
	f := newFixture(t, func(c *querycache.Config) { c.Strict = true })
	for query, reason := range map[string]querycache.Reason{
		"SELECT random() /* cache: ttl=1s */ FROM other": dialect.ReasonVolatile,
		"SELECT n /* cache: ttl=1 */ FROM other":         querycache.ReasonMalformedHint,
	} {
		_, err := f.db.Query(query)
		var refused *querycache.RefusedError
		if !errors.As(err, &refused) || refused.Reason != reason {
			t.Errorf("%s: error %v, want one with %q", query, err, reason)
		}
	}
	f.read(f.db, "SELECT random() FROM other") // carries no hint
	f.read(f.db, "SELECT n /* cache: off */ FROM other")
	f.warm("SELECT n /* cache: ttl=1h */ FROM other")
}

func TestConfigMistakes(t *testing.T) {
	_, err := querycache.New(querycache.Config{
		DefaultTTL: -1, MaxRows: -1, MaxBytes: -1, CatalogInterval: 1,
		Rules: []querycache.Rule{{}, {Tables: []string{"a..b"}, TTL: 1}},
		Conns: querycache.Conns{Max: -1}, Local: local.Config{MaxBytes: -1},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{"DefaultTTL", "MaxRows", "MaxBytes", "CatalogInterval", "Rules[0].Tables", "Rules[0].TTL", "a..b", "Conns.Max", "Local.MaxBytes"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s is not named in:\n%v", part, err)
		}
	}
}
