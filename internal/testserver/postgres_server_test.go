package testserver

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestPostgresKill: what is committed is kept over SIGKILL and a restart, on
// the same port.
func TestPostgresKill(t *testing.T) {
	t.Parallel()
	s := NewPostgres(t)
	dsn, first := s.DSN(), s.pid
	conn := open(t, dsn)
	if _, err := conn.Exec(t.Context(), "CREATE TABLE t AS SELECT 1 AS n"); err != nil {
		t.Fatal(err)
	}
	children, err := childrenOf(s.pid)
	if err != nil || len(children) < 2 {
		t.Fatalf("%d processes, %v", len(children), err)
	}
	s.Kill()
	if _, err := conn.Exec(t.Context(), "UPDATE t SET n = 2"); err == nil {
		t.Error("a killed server answers")
	}
	for _, p := range children {
		if err := p.gone(); err != nil {
			t.Error(err)
		}
	}
	if listens(s.addr) {
		t.Error("still listening")
	}
	s.Start()
	if got := s.must("SELECT n::text FROM t"); got != "1" || s.DSN() != dsn || s.pid == first {
		t.Errorf("n = %s after the crash; process %d, before %d", got, s.pid, first)
	}
	if got := s.must("UPDATE t SET n = 3 RETURNING n::text"); got != "3" {
		t.Error(got)
	}
	s.Restart()
	if got := s.must("SELECT n::text FROM t"); got != "3" {
		t.Errorf("n = %s after the restart", got)
	}
}

func TestPostgresStop(t *testing.T) {
	t.Parallel()
	s := NewPostgres(t)
	conn := open(t, s.DSN())
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if other, err := pgx.Connect(ctx, s.DSN()); err == nil {
		other.Close(t.Context())
		t.Error("a stopped server takes a connection")
	}
	// One that is open waits, and gets its answer later.
	answer := make(chan error, 1)
	go func() { _, err := conn.Exec(t.Context(), "SELECT 1"); answer <- err }()
	select {
	case err := <-answer:
		t.Errorf("a stopped server answers: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	s.Cont()
	if err := <-answer; err != nil {
		t.Error(err)
	}
	s.Stop()
	s.Kill() // works on a stopped one
	s.Start()
	s.Stop() // and so does the end of the test
}

func TestPostgresConfig(t *testing.T) {
	t.Parallel()
	s := NewPostgres(t, "work_mem = '1234kB'", "application_name = 'first'")
	show := func(name, want string) {
		t.Helper()
		if got := s.must("SELECT current_setting('" + name + "')"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	show("work_mem", "1234kB")
	s.Config("work_mem = '2345kB'", "synchronous_standby_names = 'ghost'")
	show("work_mem", "2345kB")
	show("synchronous_standby_names", "ghost")
	s.Config("synchronous_standby_names = ''")
	s.Kill()
	s.Config("max_connections = 33")
	s.Start()
	show("max_connections", "33")
	show("work_mem", "2345kB")
}

// TestPostgresEnds: nothing is left of a test's servers, running or not.
func TestPostgresEnds(t *testing.T) {
	t.Parallel()
	var servers []*PostgresServer
	var processes []process
	t.Run("servers", func(t *testing.T) {
		servers = []*PostgresServer{NewPostgres(t), NewPostgres(t), NewPostgres(t)}
		for _, s := range servers {
			children, err := childrenOf(s.pid)
			if err != nil {
				t.Fatal(err)
			}
			processes = append(processes, children...)
		}
		servers[1].Kill()
		servers[2].Stop()
	})
	checkEnded(t, processes)
	for _, s := range servers {
		if _, err := os.Stat(s.folder); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want it gone", s.folder, err)
		}
	}
}

// TestPostgresOrphan: nor when the test process is killed while its server is
// stopped.
func TestPostgresOrphan(t *testing.T) {
	if folder := os.Getenv("QUERYCACHE_TESTSERVER_ORPHAN"); folder != "" {
		s := NewPostgres(t)
		s.Stop()
		if err := os.WriteFile(folder, []byte(s.folder), 0o600); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	postgres.needed(t)
	t.Parallel()
	told := t.TempDir() + "/folder"
	cmd := exec.Command(os.Args[0], "-test.run=^TestPostgresOrphan$")
	cmd.Env = append(os.Environ(), "QUERYCACHE_TESTSERVER_ORPHAN="+told)
	out, _ := cmd.CombinedOutput() // it is killed
	folder, err := os.ReadFile(told)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	poll(t, func() error {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		for _, e := range entries {
			line, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
			if strings.Contains(string(line), string(folder)) {
				return errors.New("still there: " + string(line))
			}
		}
		if _, err := os.Stat(string(folder)); !errors.Is(err, os.ErrNotExist) {
			return errors.New("the folder is still there")
		}
		return nil
	})
}

func checkEnded(t *testing.T, all []process) {
	t.Helper()
	if len(all) == 0 {
		t.Error("no processes: the test shows nothing")
	}
	for _, p := range all {
		poll(t, p.gone)
	}
}
