package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Config adds lines to postgresql.conf, where the last one for a parameter
// counts, such as "synchronous_standby_names = 'ghost'", and makes the server
// read it. When it returns, new connections have what it says; open ones, and
// processes of the server itself, follow in a moment. A mistake, and a
// parameter that only a Restart would change, fail the test. A server that was
// killed or shut down reads the lines when it starts.
func (s *PostgresServer) Config(lines ...string) {
	s.t.Helper()
	var before string
	if s.process != nil {
		s.check(syscall.SIGHUP)
		before = s.must("SELECT pg_conf_load_time()::text")
	}
	if err := s.add(lines); err != nil {
		s.t.Fatal(err)
	}
	if s.process == nil {
		return
	}
	if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	poll(s.t, func() error {
		now, err := s.ask("SELECT pg_conf_load_time()::text")
		if err == nil && now == before {
			err = errors.New("the server has not read postgresql.conf again")
		}
		return err
	})
	wrong := s.must(`SELECT string_agg(name || ': ' || error, '; ') FROM pg_file_settings WHERE error IS NOT NULL`)
	if wrong != "" {
		s.t.Fatalf("postgresql.conf: %s", wrong)
	}
}

func (s *PostgresServer) add(lines []string) error {
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, strings.Join(lines, "\n"))
	return errors.Join(err, f.Close())
}

// must returns what a query that has to work returns.
func (s *PostgresServer) must(query string) string {
	s.t.Helper()
	answer, err := s.ask(query)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// ask returns the text of a query on a new connection; "" for NULL.
func (s *PostgresServer) ask(query string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return "", err
	}
	var answer *string
	err = errors.Join(conn.QueryRow(ctx, query).Scan(&answer), conn.Close(ctx))
	if answer == nil {
		return "", err
	}
	return *answer, err
}
