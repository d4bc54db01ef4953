package testserver

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"
)

// TestLeash kills a process that got servers, without giving it any time to
// say goodbye, and waits for them and their files to be gone.
func TestLeash(t *testing.T) {
	postgres.needed(t)
	if os.Getenv("QUERYCACHE_TEST_LEASH") != "" {
		orphan(t)
		select {}
	}

	child := exec.Command(os.Args[0], "-test.run=^TestLeash$")
	child.Env = append(os.Environ(), "QUERYCACHE_TEST_LEASH=1", "QUERYCACHE_TEST_POSTGRES=", "QUERYCACHE_TEST_REDIS=")
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
	hosts, folders := make(map[string]string), make(map[string]string)
	for len(hosts)+len(folders) < 9 && lines.Scan() {
		var name, host, folder string
		if n, _ := fmt.Sscanf(lines.Text(), "host %s %s", &name, &host); n == 2 {
			hosts[name] = host
		}
		if n, _ := fmt.Sscanf(lines.Text(), "folder %s %s", &name, &folder); n == 2 {
			folders[name] = folder
		}
	}
	if len(hosts) != 6 || len(folders) != 3 {
		t.Fatalf("the child got %v and %v", hosts, folders)
	}
	for name, host := range hosts {
		if listens(host) != (name != "killed") {
			t.Errorf("%s: listens: %t", name, listens(host))
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for name, host := range hosts {
		poll(t, func() error {
			if listens(host) {
				return fmt.Errorf("%s is still there", name)
			}
			return nil
		})
	}
	for name, folder := range folders {
		poll(t, func() error {
			if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("%s: %s: %v, want it gone", name, folder, err)
			}
			return nil
		})
	}
}

// orphan gets servers of all sorts and says where they are.
func orphan(t *testing.T) {
	for _, k := range []kind{postgres, redis} {
		server, err := k.server()
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("host", k.name, u.Host)
	}
	running, stopped, killed := NewRedis(t), NewRedis(t), NewRedis(t)
	stopped.Stop()
	killed.Kill()
	fmt.Println("host", "set", newRedis(t, setMachine(t), "", nil).addr)
	for name, s := range map[string]*RedisServer{"running": running, "stopped": stopped, "killed": killed} {
		fmt.Println("host", name, s.addr)
		fmt.Println("folder", name, s.folder)
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
