package pgsql

import (
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

var parseTests = []struct {
	text   string
	kind   dialect.Kind
	refuse dialect.Reason
	effect dialect.Effect
	calls  bool
}{
	// Reads.
	{text: "SELECT * FROM t", kind: dialect.Read},
	{text: "TABLE t", kind: dialect.Read},
	{text: "SELECT count(*), lower(a), coalesce(b, 1), greatest(a, b) FROM t", kind: dialect.Read},
	{text: "SELECT extract(year FROM a), substring(b from 1 for 2), trim(both from c) FROM t", kind: dialect.Read},
	{text: "SELECT pg_catalog.lower(a) FROM t WHERE a OPERATOR(pg_catalog.=) 'x'", kind: dialect.Read, calls: true},
	{text: "SELECT f(a) FROM t", kind: dialect.Read, calls: true},
	{text: "SELECT s.lower(a) FROM t", kind: dialect.Read, calls: true},
	{text: "SELECT a % b FROM t", kind: dialect.Read, calls: true},
	{text: "SELECT a AT TIME ZONE 'Asia/Tokyo' FROM t", kind: dialect.Read},
	{text: "SELECT 'Nowhere', 'know how', 'today''s news and much more than fits into a date' FROM t", kind: dialect.Read},
	// Reads that must not be cached.
	{text: "SELECT now()", kind: dialect.Read, refuse: dialect.ReasonClock},
	{text: "SELECT CURRENT_TIMESTAMP(3) FROM t", kind: dialect.Read, refuse: dialect.ReasonClock},
	{text: "SELECT LOCALTIME FROM t", kind: dialect.Read, refuse: dialect.ReasonClock},
	{text: "SELECT DATE 'today' FROM t", kind: dialect.Read, refuse: dialect.ReasonClock},
	{text: "SELECT 'Tomorrow 12:00'::timestamp FROM t", kind: dialect.Read, refuse: dialect.ReasonClock},
	{text: "SELECT * FROM t WHERE at > 'now'", kind: dialect.Read, refuse: dialect.ReasonClock},
	{text: "SELECT USER FROM t", kind: dialect.Read, refuse: dialect.ReasonSessionFunc},
	{text: "SELECT current_schema FROM t", kind: dialect.Read, refuse: dialect.ReasonSessionFunc},
	{text: "SELECT 't'::regclass FROM t", kind: dialect.Read, refuse: dialect.ReasonSessionFunc},
	{text: "SELECT random() FROM t", kind: dialect.Read, refuse: dialect.ReasonVolatile},
	{text: "SELECT nextval('s') FROM t", kind: dialect.Read, refuse: dialect.ReasonVolatile},
	{text: "SELECT * FROM t TABLESAMPLE SYSTEM (1)", kind: dialect.Read, refuse: dialect.ReasonSample},
	{text: "SELECT * FROM t FOR NO KEY UPDATE", kind: dialect.Read, refuse: dialect.ReasonLocking},
	{text: "SELECT * FROM t WHERE a IN (SELECT b FROM u FOR SHARE)", kind: dialect.Read, refuse: dialect.ReasonLocking},
	{text: "SELECT set_config('a', 'b', true) FROM t", kind: dialect.Read, refuse: dialect.ReasonSessionFunc, effect: dialect.Taints},
	{text: "SELECT pg_advisory_lock(1)", kind: dialect.Read, refuse: dialect.ReasonSessionFunc, effect: dialect.Holds},
	{text: "SELECT pg_advisory_xact_lock(1)", kind: dialect.Read, refuse: dialect.ReasonVolatile},
	// Writes.
	{text: "INSERT INTO t DEFAULT VALUES", kind: dialect.Write, refuse: dialect.ReasonNotRead},
	{text: "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", kind: dialect.Write, refuse: dialect.ReasonNotRead},
	{text: "MERGE INTO t USING u ON a = b WHEN MATCHED THEN DO NOTHING", kind: dialect.Write, refuse: dialect.ReasonNotRead},
	{text: "TRUNCATE t, u", kind: dialect.Write, refuse: dialect.ReasonNotRead},
	{text: "REFRESH MATERIALIZED VIEW CONCURRENTLY m", kind: dialect.Write, refuse: dialect.ReasonNotRead},
	{text: "COPY t FROM '/x'", kind: dialect.Write, refuse: dialect.ReasonNotRead},
	{text: "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t", kind: dialect.Write, refuse: dialect.ReasonNotRead},
	{text: "UPDATE t SET a = f()", kind: dialect.Write, refuse: dialect.ReasonNotRead, calls: true},
	// DDL.
	{text: "CREATE TABLE t (a int)", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "SELECT * INTO u FROM t", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "ALTER TABLE t ADD b int", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "GRANT SELECT ON t TO r", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "CREATE INDEX ON t (a)", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "ALTER ROLE r SET search_path = x", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "VACUUM FULL t", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "VACUUM (FULL)", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "CLUSTER t", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "DROP FUNCTION f", kind: dialect.DDL, refuse: dialect.ReasonNotRead},
	{text: "CREATE TEMP TABLE x (a int) INHERITS (t)", kind: dialect.DDL, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	// What concerns the session alone.
	{text: "CREATE TEMP TABLE x AS SELECT * FROM t", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints, calls: true},
	{text: "SELECT * INTO TEMP x FROM t", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints, calls: true},
	{text: "CREATE TEMP TABLE x AS SELECT f()", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints, calls: true},
	{text: "SET search_path = x", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	{text: "SET LOCAL search_path = x", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	{text: "SET statement_timeout = 1000", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Keeps},
	{text: "SET LOCAL work_mem = '1MB'", kind: dialect.SessionState, refuse: dialect.ReasonNotRead},
	{text: "RESET ALL", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	{text: "SET ROLE r", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	{text: "SET SESSION AUTHORIZATION r", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	{text: "SET app.tenant = '42'", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	{text: "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "LISTEN x", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Holds},
	{text: "DECLARE c CURSOR FOR SELECT * FROM t", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Holds, calls: true},
	{text: "DECLARE c CURSOR FOR SELECT f()", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Holds, calls: true},
	{text: "PREPARE p AS DELETE FROM t", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Keeps},
	{text: "DISCARD ALL", kind: dialect.SessionState, refuse: dialect.ReasonNotRead, effect: dialect.Taints},
	// Nothing.
	{text: "", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: " ; -- x", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "SHOW ALL", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "EXPLAIN DELETE FROM t", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "EXPLAIN (ANALYZE false) DELETE FROM t", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "EXPLAIN ANALYZE SELECT f()", kind: dialect.Neutral, refuse: dialect.ReasonNotRead, calls: true},
	{text: "EXPLAIN ANALYZE SELECT a FROM t", kind: dialect.Neutral, refuse: dialect.ReasonNotRead, calls: true},
	{text: "EXPLAIN SELECT f()", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "COPY (SELECT f(a) FROM t) TO STDOUT", kind: dialect.Neutral, refuse: dialect.ReasonNotRead, calls: true},
	{text: "VACUUM (FULL false) t", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "VACUUM ANALYZE t", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	{text: "NOTIFY x", kind: dialect.Neutral, refuse: dialect.ReasonNotRead},
	// Transactions.
	{text: "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", kind: dialect.Begin, refuse: dialect.ReasonNotRead},
	{text: "START TRANSACTION", kind: dialect.Begin, refuse: dialect.ReasonNotRead},
	{text: "END", kind: dialect.Commit, refuse: dialect.ReasonNotRead},
	{text: "ABORT", kind: dialect.Rollback, refuse: dialect.ReasonNotRead},
	{text: "SAVEPOINT a", kind: dialect.Savepoint, refuse: dialect.ReasonNotRead},
	{text: "ROLLBACK TO SAVEPOINT a", kind: dialect.RollbackTo, refuse: dialect.ReasonNotRead},
	{text: "RELEASE a", kind: dialect.Release, refuse: dialect.ReasonNotRead},
	{text: "COMMIT AND CHAIN", refuse: dialect.ReasonUnanalysed, effect: dialect.Taints},
	{text: "COMMIT PREPARED 'x'", refuse: dialect.ReasonUnanalysed, effect: dialect.Taints},
	// Unknown.
	{text: "EXECUTE p (1)", refuse: dialect.ReasonUnanalysed, effect: dialect.Taints},
	{text: "CALL p()", refuse: dialect.ReasonUnanalysed, effect: dialect.Taints, calls: true},
	{text: "DO 'BEGIN END'", refuse: dialect.ReasonUnanalysed, effect: dialect.Taints},
	{text: "LOAD 'x'", refuse: dialect.ReasonUnanalysed, effect: dialect.Taints},
	{text: "COPY t TO PROGRAM 'x'", refuse: dialect.ReasonUnanalysed, effect: dialect.Taints},
	{text: "nonsense", refuse: dialect.ReasonUnparsable, effect: dialect.Taints},
	{text: "SELECT 1\x00", refuse: dialect.ReasonUnparsable, effect: dialect.Taints},
	{text: "SELECT '\xff'", refuse: dialect.ReasonUnparsable, effect: dialect.Taints},
	{text: "SELECT " + strings.Repeat("(", 600) + "1" + strings.Repeat(")", 600), refuse: dialect.ReasonTooLong, effect: dialect.Taints},
	// A read that only the server understands.
	{text: "SELECT a OR FROM t", refuse: dialect.ReasonUnparsable, calls: true},
	// Several.
	{text: "DELETE FROM t; DELETE FROM u", kind: dialect.Write, refuse: dialect.ReasonMulti},
	{text: "SELECT 1; DELETE FROM u", refuse: dialect.ReasonMulti},
	{text: "BEGIN; DELETE FROM t; SET search_path = x; COMMIT", refuse: dialect.ReasonMulti, effect: dialect.Taints},
}

func TestParse(t *testing.T) {
	for _, test := range parseTests {
		st := Dialect{}.Parse(test.text)
		if st.Kind != test.kind || st.Refuse != test.refuse || st.Effect != test.effect || st.Calls != test.calls {
			t.Errorf("%.80q: %v refuse=%q effect=%d calls=%v, want %v %q %d %v", test.text,
				st.Kind, st.Refuse, st.Effect, st.Calls, test.kind, test.refuse, test.effect, test.calls)
		}
	}
}

// Only a single read can be vouched for.
func TestSingleRead(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT * FROM t": true, "SELECT now() FROM t": true, "SELECT f() FROM t": true, "SELECT a OR FROM t": true,
		"SELECT * FROM t FOR UPDATE": false, "WITH x AS (DELETE FROM t) SELECT 1": false, "DELETE FROM t": false,
		"SELECT * INTO u FROM t": false, "SELECT set_config('a', 'b', false)": false, "SELECT 1; SELECT 2": false,
		"EXPLAIN ANALYZE SELECT f()": false,
	} {
		if got := (Dialect{}).Parse(text).SingleRead; got != want {
			t.Errorf("%s: single read is %v, want %v", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range parseTests {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		st := Dialect{}.Parse(text)
		if st == nil || st.Kind == dialect.Read && (len(st.Writes) > 0 || st.Parts != nil) {
			t.Errorf("%q: %+v", text, st)
		}
		(&catalog{}).Resolve(st, dialect.Session{})
	})
}
