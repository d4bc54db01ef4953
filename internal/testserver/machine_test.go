package testserver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// checkMachine fails the test unless the servers of a set are where they are
// said to be, and that is permitted: all in one container, or all processes of
// this machine.
func checkMachine(t *testing.T, set []*RedisServer) {
	t.Helper()
	_, boxed := set[0].on.(*box)
	if list := os.Getenv("QUERYCACHE_TEST_WAYS"); boxed && list != "" && !strings.Contains(list, "docker") || !boxed && list == "docker" {
		t.Errorf("in a container: %t; permitted is %s", boxed, list)
	}
	container := ""
	for i, s := range set {
		if boxed {
			id, err := Publisher(t.Context(), s.addr)
			if err != nil || id == "" || i > 0 && id != container {
				t.Errorf("%s is published by container %q, the one before by %q, %v", s.addr, id, container, err)
			}
			container = id
			continue
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.pid)) // Redis has its address there
		if !strings.Contains(string(line), s.addr) {
			t.Errorf("process %d of this machine is %q, %v, not the one of %s", s.pid, line, err, s.addr)
		}
	}
}

// TestSetWithoutImage: Docker without the image is no way, and the registry is
// asked for it once, not for every set.
func TestSetWithoutImage(t *testing.T) {
	var asked atomic.Int32
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	defer registry.Close()
	t.Setenv("QUERYCACHE_TEST_REDIS_IMAGE", registry.Listener.Addr().String()+"/nothing:1")
	t.Setenv("QUERYCACHE_TEST_WAYS", "docker")
	if m, err := first(redis, machines); err == nil || !strings.Contains(err.Error(), "docker: ") {
		t.Errorf("got %v, %v, want an error about docker", m, err)
	}
	before := asked.Load() // 0 where there is no Docker
	t.Setenv("QUERYCACHE_TEST_WAYS", "")
	m, err := first(redis, machines)
	if _, ok := m.(host); !ok {
		t.Errorf("got %v, %v, want this machine", m, err)
	}
	if after := asked.Load(); after != before {
		t.Errorf("the registry was asked %d times, then %d times more", before, after-before)
	}
}
