package querycache_test

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/querycache/querycache"
	"github.com/querycache/querycache/internal/testserver"
)

// A sick stands between clients and a Redis and, if it has an illness, answers each
// command with that.
type sick struct {
	net.Listener
	backend string
	illness atomic.Pointer[string] // nil: passes everything on
}

func newSick(t *testing.T, backend string) *sick {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sick{Listener: ln, backend: backend}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); conns.Wait() })
	return s
}

func (s *sick) serve(c net.Conn) {
	defer c.Close()
	up, err := net.Dial("tcp", s.backend)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		defer c.Close()
		_, _ = io.Copy(well{c, s}, up)
	}()
	in := bufio.NewReader(c)
	for {
		command, err := readCommand(in)
		if err != nil {
			return
		}
		if illness := s.illness.Load(); illness != nil {
			_, err = io.WriteString(c, *illness)
		} else {
			_, err = io.WriteString(up, command)
		}
		if err != nil {
			return
		}
	}
}

// well passes on what Redis says, unless it is to be sick.
type well struct {
	io.Writer
	*sick
}

func (w well) Write(p []byte) (int, error) {
	if w.illness.Load() != nil {
		return len(p), nil
	}
	return w.Writer.Write(p)
}

// readCommand reads an array of bulk strings.
func readCommand(in *bufio.Reader) (string, error) {
	var b strings.Builder
	number := func() (int, error) {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		b.WriteString(line)
		return strconv.Atoi(strings.TrimSpace(line[1:]))
	}
	n, err := number()
	for ; n > 0 && err == nil; n-- {
		var size int
		if size, err = number(); err == nil {
			_, err = io.CopyN(&b, in, int64(size)+2)
		}
	}
	return b.String(), err
}

// Whatever Redis answers, no query fails or waits for long, a process reads its own
// writes at once and those of others within the lease, and in the end all is well.
func TestRedisIsSick(t *testing.T) {
	server := testserver.NewRedis(t)
	for name, illness := range map[string]string{
		"LOADING":     "-LOADING Redis is loading the dataset in memory\r\n",
		"READONLY":    "-READONLY You can't write against a read only replica.\r\n",
		"MOVED":       "-MOVED 1 127.0.0.1:1\r\n",
		"ASK":         "-ASK 1 127.0.0.1:1\r\n",
		"CLUSTERDOWN": "-CLUSTERDOWN The cluster is down\r\n",
		"MASTERDOWN":  "-MASTERDOWN Link with MASTER is down\r\n",
		"OOM":         "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
		"NOPERM":      "-NOPERM this user has no permissions to run the command\r\n",
		"MISCONF":     "-MISCONF Redis is configured to save RDB snapshots\r\n",
		"BUSY":        "-BUSY Redis is busy running a script.\r\n",
		"NOAUTH":      "-NOAUTH Authentication required.\r\n",
		"NOSCRIPT":    "-NOSCRIPT No matching script.\r\n",
		"nothing":     "",
		"half":        "$1000\r\nhalf",
		"garbage":     "?!\x00\r\n",
		"nil":         "$-1\r\n",
		"OK":          "+OK\r\n",
		"nested":      "*1\r\n*1\r\n*4\r\n$1\r\nE\r\n$1\r\n1\r\n:5\r\n*0\r\n",
		"an answer":   "*4\r\n$1\r\nE\r\n$1\r\n1\r\n:5\r\n*2\r\n$3\r\nt:x\r\n$2\r\n-1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSick(t, server.Addr())
			p := newPair(t, "redis://"+server.Addr(), nil)
			p.second.cache.Close()
			direct := p.joining
			p.joining = redis.NewClient(&redis.Options{Addr: s.Addr().String()})
			t.Cleanup(func() { p.joining.Close() })
			f := p.join()
			p.joining = direct
			f.warm(other)
			f.warm(books)
			var slowest time.Duration
			timed := func(do func()) {
				start := time.Now()
				do()
				slowest = max(slowest, time.Since(start))
			}
			began := time.Now()
			s.illness.Store(&illness)
			for range 5 {
				timed(func() { f.exec(f.db, "UPDATE other SET n = n + 1") })
				timed(func() { f.source(other) })
			}
			p.exec(p.db, "UPDATE books SET price = price + 1")
			written := time.Now()
			for want, _ := p.read(p.bare, books); ; {
				got := ""
				timed(func() { got, _ = f.read(f.db, books) })
				if got == want {
					break
				}
				if since := time.Since(written); since > 3*time.Second+p.machine.Margin(written) {
					t.Fatalf("an old row is shown after %v, want the lease at most", since)
				}
			}
			if slowest > 2*time.Second+p.machine.Margin(began) {
				t.Errorf("a query took %v", slowest)
			}
			s.illness.Store(nil)
			p.until("caching comes back", func() bool {
				return f.source(other) == querycache.Local
			})
			p.until("what was written is told of", func() bool {
				want, _ := p.read(p.bare, other)
				got, _ := p.read(p.db, other)
				return got == want
			})
		})
	}
}
