package testserver

import "testing"

// TestPromote: a replica follows, and is a primary for good once promoted; what
// it did not get before that is lost.
func TestPromote(t *testing.T) {
	t.Parallel()
	primary := NewRedis(t)
	ctx, client := t.Context(), dial(t, primary.Addr())
	client.Set(ctx, "before", 1, 0)
	replica := Replica(t, primary, "appendonly yes")
	if got := dial(t, replica.Addr()).Exists(ctx, "before").Val(); got != 1 {
		t.Error("the replica has not copied")
	}
	client.Set(ctx, "after", 1, 0)
	if n, err := client.Wait(ctx, 1, patience).Result(); n != 1 {
		t.Errorf("%d replicas follow, %v", n, err)
	}
	if err := dial(t, replica.Addr()).Set(ctx, "own", 1, 0).Err(); err == nil {
		t.Error("the replica takes writes")
	}

	replica.Cut()
	client.Set(ctx, "lost", 1, 0)
	primary.Kill()
	replica.Promote()
	for range 2 {
		client := dial(t, replica.Addr())
		if err := client.Set(ctx, "own", 1, 0).Err(); err != nil {
			t.Error("not promoted:", err)
		}
		if got := client.Exists(ctx, "before", "after").Val(); got != 2 {
			t.Errorf("%d of 2 keys are left", got)
		}
		if client.Exists(ctx, "lost").Val() != 0 {
			t.Error("a write got past Cut")
		}
		replica.Kill()
		replica.Start()
	}
}
