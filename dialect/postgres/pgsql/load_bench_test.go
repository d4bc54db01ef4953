package pgsql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"runtime"
	"testing"
)

// bigParts make about 5,000 relations, with what hangs on them, in pieces that
// need no more locks than a server has by default.
func bigParts() (parts []string) {
	for _, each := range []string{
		`EXECUTE format('CREATE TABLE t%1$s (id int PRIMARY KEY, a int DEFAULT 1, b text CHECK (b <> ''''), c timestamptz DEFAULT now(), d numeric, e jsonb, f bool, g uuid)', i)`,
		`IF i % 3 = 0 THEN EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (a) REFERENCES t%s ON DELETE CASCADE', i, i - 1); END IF`,
		`IF i % 4 = 0 THEN EXECUTE format('ALTER TABLE t%1$s ENABLE ROW LEVEL SECURITY', i);
 EXECUTE format('CREATE POLICY p ON t%1$s USING (a = current_setting(''app.tenant'', true)::int AND b <> (SELECT max(b) FROM t1))', i); END IF`,
		`IF i % 2 = 0 THEN EXECUTE format('CREATE VIEW v%s AS SELECT t.id, u.b, lower(u.b) || ''x'' AS l, count(*) OVER (PARTITION BY t.a) AS n
 FROM t%s t JOIN t%s u ON u.id = t.a WHERE t.f AND u.d > 5 ORDER BY 1', i, i, i - 1); END IF`,
		`IF i % 2 = 0 THEN EXECUTE format('CREATE MATERIALIZED VIEW m%s AS SELECT a, count(*) FROM t%s GROUP BY a', i, i); END IF`,
		`IF i % 2 = 0 THEN EXECUTE format('CREATE FUNCTION f%s(i int) RETURNS bigint STABLE LANGUAGE sql RETURN (SELECT count(*) FROM t%s WHERE a = i)', i, i); END IF`,
		`EXECUTE format('CREATE FUNCTION g%s(i int) RETURNS bigint VOLATILE LANGUAGE plpgsql AS ''BEGIN RETURN 1; END''', i)`,
		`IF i <= 1000 THEN EXECUTE format('CREATE TABLE part%s PARTITION OF part FOR VALUES FROM (%s) TO (%s)', i, i, i + 1); END IF`,
	} {
		for low := 1; low < 2000; low += 200 {
			parts = append(parts, fmt.Sprintf("DO $$ BEGIN FOR i IN %d..%d LOOP %s; END LOOP; END $$", low, low+199, each))
		}
	}
	return parts
}

// BenchmarkLoad is what it costs to read a catalog of 5,000 relations, and to
// find that it has not changed.
func BenchmarkLoad(b *testing.B) {
	db := open(b, "CREATE TABLE part (id int, a int) PARTITION BY RANGE (id)")
	for _, part := range bigParts() {
		db.exec(part)
	}
	db.exec("ANALYZE")
	b.Run("catalog", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.ReportAllocs()
		var c *catalog
		for range b.N {
			c = db.load().(*catalog)
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		n := 0
		for _, rels := range c.byName {
			n += len(rels)
		}
		b.ReportMetric(float64(n), "relations")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
		runtime.KeepAlive(c)
	})
	b.Run("fingerprint", func(b *testing.B) {
		for range b.N {
			db.raw(func(c driver.Conn) error {
				_, err := Dialect{}.Fingerprint(context.Background(), c)
				return err
			})
		}
	})
}
