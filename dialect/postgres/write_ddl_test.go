package postgres_test

import (
	"context"
	"testing"
	"time"
)

// A write that was analysed before a schema change, and goes on after it, reaches
// what the schema has added: here a trigger on a table that it gets to later.
func TestWriteDuringSchemaChange(t *testing.T) {
	const cascade = "DELETE FROM customers WHERE id = 2"
	ways := map[string]func(f *fixture) error{
		"alone": func(f *fixture) error { return f.run("alone", cascade) },
		"tx":    func(f *fixture) error { return f.run("tx", cascade) },
		"text":  func(f *fixture) error { return f.run("text", cascade) },
	}
	for name, write := range ways {
		t.Run(name, func(t *testing.T) {
			f := newReach(t, nil).with(t)
			f.warmAll()
			// The write has to wait for a row, and the schema changes.
			locker := f.conn(f.bare)
			f.exec(locker, "BEGIN")
			f.exec(locker, "SELECT id FROM customers FOR UPDATE")
			done := make(chan error, 1)
			go func() { done <- write(f) }()
			f.waitBlocked()
			f.exec(f.db, "CREATE TRIGGER added AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION dyn()")
			before := f.warm(f.db, readOf("hidden"))
			f.exec(locker, "ROLLBACK")
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if after, err := dump(t.Context(), f.bare, readOf("hidden")); err != nil || after == before {
				t.Fatalf("the trigger has not fired: %v", err)
			}
			f.fresh("hidden")
		})
	}
}

// waitBlocked waits until a statement waits for a lock.
func (f *fixture) waitBlocked() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 20*time.Second)
	defer cancel()
	for blocked := false; !blocked; {
		if err := f.bare.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&blocked); err != nil {
			f.Fatal(err)
		}
	}
}
