package testserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var postgres = kind{
	name:     "PostgreSQL",
	variable: "QUERYCACHE_TEST_POSTGRES",
	image:    "postgres:17",
	port:     "5432/tcp",
	env:      map[string]string{"POSTGRES_HOST_AUTH_METHOD": "trust", "POSTGRES_INITDB_ARGS": "--no-sync"},
	programs: []string{"initdb", "postgres"},
	folders:  "/usr/lib/postgresql/*/bin",
	deb:      "postgresql",
	prepare: `conf=/etc/postgresql-common/createcluster.conf
		test -e $conf || { mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > $conf; }`,
	options: []string{
		"-c", "max_connections=200", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
	},
	command: postgresCommand,
	url:     func(hostport string) string { return "postgres://postgres@" + hostport + "/postgres" },
	ready:   postgresReady,
	quit:    "QUIT", // killed, it leaves shared memory behind
	keep:    keepPostgres,
	pid:     postgresPid,
}

var postgresServer = sync.OnceValues(postgres.server)

// Postgres returns the data source name, a URL, of an empty database that is
// the test's own and is dropped at its end. The user may do anything, and
// roles that the test creates can log in without a password; they belong to
// the whole server, which other tests use too.
func Postgres(t testing.TB) string {
	t.Helper()
	postgres.needed(t)
	server, err := postgresServer()
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	dsn, err := database(server, name)
	if err != nil {
		t.Fatal(err)
	}
	// Text order and upper case must not depend on which server it is.
	err = postgresExec(server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := postgresExec(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// database returns dsn with another database.
func database(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", errors.New("not a URL such as postgres://user@host:5432/database") // and may hold a password
	}
	u.Path = "/" + name
	return u.String(), nil
}

func postgresExec(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

func postgresCommand(programs, folder, port string) string {
	return fmt.Sprintf(`"%[1]s"/initdb -D "%[2]s"/data -U postgres -A trust -E UTF8 --locale=C --no-sync &&
exec "%[1]s"/postgres -D "%[2]s"/data -p %[3]s -c listen_addresses=127.0.0.1 -c unix_socket_directories= "$@"`, programs, folder, port)
}

func postgresReady(ctx context.Context, dsn, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := database(dsn, ""); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if folder == "" {
		return nil
	}
	var data string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&data); err != nil {
		return err
	}
	if data != folder+"/data" {
		return fmt.Errorf("another server, of %s, has the port", data)
	}
	return nil
}
