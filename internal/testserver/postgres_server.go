package testserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var postgresFolder = sync.OnceValues(postgres.folder)

// A PostgresServer is one test's own, to be broken. It ends with the test, and
// with the test process whichever way that ends.
//
// It runs from binaries of this machine, found or installed, whatever the
// variables say: see [RedisServer].
//
// What is committed is kept over a Kill, unless synchronous_commit says
// otherwise. It would not be kept over a crash of the machine.
//
// A method that cannot do what it says fails the test, and so is for the
// test's goroutine. None but DSN is safe for concurrent use. Those that send
// signals need Linux.
type PostgresServer struct{ own }

// keepPostgres is keep, for a server that may be stopped when the test process
// dies: its processes, which are those that work in its folder, go on, to take
// the signal by which the leash ends them.
const keepPostgres = `
while read -r _; do :; done
for process in /proc/[0-9]*; do
	test "$(readlink "$process/cwd")" = "$1/data" && kill -CONT "${process#/proc/}"
done 2>/dev/null
until rm -rf "$1"; do sleep 0.1; done
`

// NewPostgres starts an empty server with lines of postgresql.conf, such as
// "max_connections = 10" or "wal_level = logical".
func NewPostgres(t testing.TB, options ...string) *PostgresServer {
	t.Helper()
	postgres.needed(t)
	programs, err := postgresFolder()
	if err != nil {
		t.Fatal(err)
	}
	s := &PostgresServer{own{
		t: t, kind: postgres, on: host(programs),
		options: append([]string{"max_connections = 200", "fsync = off", "full_page_writes = off"}, options...),
	}}
	// Options are not on the command line, where Config could not change them.
	s.open(func(folder, port string) string {
		return fmt.Sprintf(`test -e data/postmaster.opts || {
	"%[1]s"/initdb -D "%[2]s"/data -U postgres -A trust -E UTF8 --locale=C --no-sync &&
	printf '%%s\n' "$@" >> data/postgresql.conf
} && exec "%[1]s"/postgres -D "%[2]s"/data -p %[3]s -c listen_addresses=127.0.0.1 -c unix_socket_directories=`,
			programs, folder, port)
	})
	t.Cleanup(s.wake)
	return s
}

// wake lets a server that may be stopped take the signal that ends it.
func (s *PostgresServer) wake() {
	if s.process != nil && s.pid != 0 && !s.ended() {
		s.process.let()
		_ = s.signalAll(cont)
	}
}

// postgresPid returns the number of the postmaster.
func postgresPid(_ context.Context, _, folder string) (int, error) {
	text, err := os.ReadFile(filepath.Join(folder, "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

func (s *PostgresServer) data() string { return filepath.Join(s.folder, "data") }

// DSN returns the data source name, a URL, of a database in which the user may
// do anything. It stays the same over Kill and Start.
func (s *PostgresServer) DSN() string { return postgres.url(s.addr) }
