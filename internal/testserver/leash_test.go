package testserver

import (
	"bufio"
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestLeash kills a process that got a server, without giving it any time to
// say goodbye, and waits for the server to be gone.
func TestLeash(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: needs a PostgreSQL server")
	}
	if os.Getenv("QUERYCACHE_TEST_LEASH") != "" {
		server, err := postgres.server()
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString(server + "\n")
		select {}
	}

	child := exec.Command(os.Args[0], "-test.run=^TestLeash$")
	child.Env = append(os.Environ(), "QUERYCACHE_TEST_LEASH=1", "QUERYCACHE_TEST_POSTGRES=")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	lines := bufio.NewScanner(out)
	var host string
	for host == "" && lines.Scan() {
		if u, err := url.Parse(lines.Text()); err == nil {
			host = u.Host
		}
	}
	if host == "" {
		t.Fatal("the child got no server")
	}
	if !listens(host) {
		t.Fatal("the child's server does not listen")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); listens(host); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal("the server is still there")
		}
	}
}

func listens(host string) bool {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
