package querycache_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/querycache/querycache"
)

// file makes a database with one row of one value.
func (f *fixture) file(path, value string) {
	f.Helper()
	db := open(f.T, "sqlite", path)
	f.exec(db, "CREATE TABLE t (v TEXT)")
	f.exec(db, "INSERT INTO t VALUES (?)", value)
	db.Close()
}

// A file with two names is one database.
func TestFileWithTwoNames(t *testing.T) {
	f := newFixture(t, nil)
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.db"), filepath.Join(dir, "two.db")
	f.file(one, "old")
	if err := os.Link(one, two); err != nil {
		t.Fatal(err)
	}
	a, b := f.connect(one), f.connect(two)
	f.read(b, "SELECT v FROM t")
	f.exec(a, "UPDATE t SET v = 'new'")
	if got, res := f.read(b, "SELECT v FROM t"); got != "string:new \n" {
		t.Errorf("by its other name it is %q, from %v", got, res.Source())
	}
}

// A connection stays with the file that it has opened when another one takes
// its path, and its answers are that file's.
func TestFileReplaced(t *testing.T) {
	for _, look := range []string{"after a schema change", "after a pragma"} {
		t.Run(look, func(t *testing.T) {
			f := newFixture(t, nil)
			dir := t.TempDir()
			path, next := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
			f.file(path, "old")
			f.file(next, "new")
			db := f.connect(path)
			held, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			f.exec(held, "PRAGMA busy_timeout = 100") // so that it keeps its connection
			if err := os.Rename(next, path); err != nil {
				t.Fatal(err)
			}
			newer, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer newer.Close()
			f.exec(newer, "PRAGMA busy_timeout = 100")
			if look == "after a pragma" {
				f.exec(held, "PRAGMA case_sensitive_like = 0")
			} else {
				f.exec(f.db, "CREATE TABLE more (n INTEGER)")
			}
			for range 3 {
				if got, res := f.read(held, "SELECT v FROM t"); got != "string:old \n" {
					t.Errorf("the connection to the old file reads %q, from %v", got, res.Source())
				}
				if got, res := f.read(newer, "SELECT v FROM t"); got != "string:new \n" {
					t.Errorf("the connection to the new file reads %q, from %v", got, res.Source())
				}
			}
		})
	}
}

// A database in memory belongs to its connection, also where that could not be
// identified: the context ended just then.
func TestMemoryUnidentified(t *testing.T) {
	f := newFixture(t, nil)
	db, spied := f.spy(":memory:")
	ctx, cancel := context.WithCancel(t.Context())
	spied.opened = cancel
	_ = db.PingContext(ctx)
	spied.opened = func() {}
	connect := func() *sql.Conn {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := connect()
	f.exec(c, "CREATE TABLE mine (n INTEGER)")
	c.Close()
	first, second := connect(), connect()
	defer first.Close()
	defer second.Close()
	f.exec(second, "CREATE TABLE mine (n INTEGER)")
	f.read(first, "SELECT n FROM mine")
}

// A connection that could not be identified is asked again.
func TestUnidentifiedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		db, spied := f.spy(f.dsn)
		ctx, cancel := context.WithCancel(t.Context())
		spied.opened = cancel
		_ = db.PingContext(ctx)
		spied.opened = func() {}
		f.refused(db, querycache.ReasonProbe, other)
		time.Sleep(2 * time.Second)
		f.read(db, other)
		if _, res := f.read(db, other); res.Source() != querycache.Local {
			t.Errorf("2 s later from %v (%s)", res.Source(), res.Reason())
		}
	})
}
