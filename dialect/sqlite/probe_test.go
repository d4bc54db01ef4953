package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/querycache/querycache/dialect"
)

func TestProbeRefuses(t *testing.T) {
	tests := []struct {
		name, before string
		want         dialect.Reason
	}{
		{"plain", "CREATE TABLE t (a)", ""},
		{"attached", "ATTACH ':memory:' AS other", dialect.ReasonAttached},
		{"detached again", "ATTACH ':memory:' AS other; DETACH other", ""},
		{"temporary table", "CREATE TEMP TABLE t (a)", dialect.ReasonTempTable},
		{"temporary view", "CREATE TEMP VIEW v AS SELECT 1", dialect.ReasonTempTable},
		{"temporary trigger", "CREATE TABLE t (a); CREATE TEMP TRIGGER r AFTER INSERT ON main.t BEGIN SELECT 1; END", dialect.ReasonTempTable},
		{"dropped again", "CREATE TEMP TABLE t (a); DROP TABLE t", ""},
		{"dirty reads", "PRAGMA read_uncommitted = 1", dialect.ReasonDirtyReads},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db := open(t, test.before)
			server, session := db.probe()
			if session.Refuse != test.want || session.Pinned {
				t.Errorf("refuses with %q, pinned %v, want %q, false", session.Refuse, session.Pinned, test.want)
			}
			if id, ok := fileID(db.path); !ok || string(server) != "sqlite:"+id {
				t.Errorf("server is %q, want %q in it", server, id)
			}
		})
	}
}

func TestProbeMemory(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.db")
	for _, dsn := range []string{":memory:", "", "file::memory:?cache=shared", "file:x?mode=memory&cache=shared", "file:/x?vfs=memdb", gone} {
		db := openDSN(t, dsn, "CREATE TABLE t (a)")
		if dsn == gone {
			if err := os.Remove(gone); err != nil {
				t.Fatal(err)
			}
		}
		server, session := db.probe()
		if server != "" || session.Refuse != dialect.ReasonMemory || !session.Pinned {
			t.Errorf("%q: server %q, refuses with %q, pinned %v", dsn, server, session.Refuse, session.Pinned)
		}
	}
}

// Each setting that shows in answers must show in the key.
func TestProbeKeysSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	seen := map[string]string{}
	for _, setting := range []string{
		"", "PRAGMA case_sensitive_like = 1", "PRAGMA count_changes = 1", "PRAGMA empty_result_callbacks = 1",
		"PRAGMA full_column_names = 1", "PRAGMA reverse_unordered_selects = 1", "PRAGMA short_column_names = 0",
		"PRAGMA trusted_schema = 0",
	} {
		_, session := openDSN(t, path, setting).probe()
		if other, ok := seen[session.Key]; ok {
			t.Errorf("%q and %q have the same key", setting, other)
		}
		seen[session.Key] = setting
	}
	// The options of a DSN that change how times are bound or returned.
	for _, option := range []string{"_time_format=sqlite", "_time_format=datetime", "_time_integer_format=unix", "_timezone=UTC", "_texttotime=1&_time_format=sqlite"} {
		_, session := openDSN(t, path+"?"+option, "").probe()
		if other, ok := seen[session.Key]; ok {
			t.Errorf("%q and %q have the same key", option, other)
		}
		seen[session.Key] = option
	}
	if _, again := openDSN(t, path, "PRAGMA busy_timeout = 5; PRAGMA foreign_keys = 1").probe(); seen[again.Key] != "" {
		t.Errorf("a setting that keeps has the key of %q", seen[again.Key])
	}
}

func TestProbeKnowsFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	first, _ := openDSN(t, path, "CREATE TABLE t (a)").probe()
	again, _ := openDSN(t, "file:"+path+"?_pragma=busy_timeout(5)", "").probe()
	if first != again {
		t.Errorf("one file is %q and %q", first, again)
	}
	if err := os.Symlink(path, filepath.Join(dir, "link.db")); err != nil {
		t.Fatal(err)
	}
	if link, _ := openDSN(t, filepath.Join(dir, "link.db"), "").probe(); link != first {
		t.Errorf("a link to %q is %q", first, link)
	}
	if err := os.Link(path, filepath.Join(dir, "hard.db")); err != nil {
		t.Fatal(err)
	}
	if link, _ := openDSN(t, filepath.Join(dir, "hard.db"), "").probe(); link != first {
		t.Errorf("a second name of %q is %q", first, link)
	}
	if other, _ := openDSN(t, filepath.Join(dir, "b.db"), "").probe(); other == first {
		t.Errorf("two files are %q", first)
	}
}

// A file that is removed and made again often gets the same inode. Its time
// of birth tells, as soon as the file system's clock has moved on.
func TestFileIDKnowsNewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	create := func() string {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		id, ok := fileID(path)
		if again, _ := fileID(path); !ok || again != id {
			t.Fatalf("one file is %q and %q", id, again)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := create()
	for range 100_000 {
		if create() != first {
			return
		}
	}
	t.Errorf("each new file is %q, like the first", first)
}

func TestProbeAndLoadKeepErrors(t *testing.T) {
	broken := errors.New("broken")
	conn := brokenConn{err: broken}
	if _, _, err := (sqlite{}).Probe(context.Background(), conn); err != broken {
		t.Errorf("Probe: %v, want the driver's error", err)
	}
	if _, err := (sqlite{}).Load(context.Background(), conn); err != broken {
		t.Errorf("Load: %v, want the driver's error", err)
	}
}

type brokenConn struct {
	driver.Conn
	err error
}

func (c brokenConn) Prepare(string) (driver.Stmt, error) { return nil, c.err }

func BenchmarkProbe(b *testing.B) {
	db := open(b, schema)
	for b.Loop() {
		db.probe()
	}
}

func BenchmarkLoad(b *testing.B) {
	db := open(b, schema)
	for b.Loop() {
		db.load()
	}
}
