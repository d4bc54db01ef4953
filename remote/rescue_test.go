package remote

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// mad returns a client of a server that gives one answer to all, bar the greeting.
func mad(t *testing.T, answer string) *redis.Client {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	serve := func(c net.Conn) {
		defer c.Close()
		next := "-ERR unknown command 'HELLO'\r\n"
		for in := bufio.NewReader(c); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line[0] != '*' {
				continue
			}
			if _, err := io.WriteString(c, next); err != nil {
				return
			}
			next = answer
		}
	}
	conns.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { serve(c) })
		}
	})
	c := redis.NewClient(&redis.Options{Addr: ln.Addr().String(), MaxRetries: -1, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { c.Close(); ln.Close(); conns.Wait() })
	return c
}

// go-redis believes what it reads and panics where it cannot be: that must not end
// the process.
func TestRepliesThatPanic(t *testing.T) {
	for _, answer := range []string{"*1\r\n*1\r\n+x\r\n", "$9223372036854775805\r\n"} {
		c := mad(t, answer)
		ps := c.Subscribe(t.Context())
		if err := ps.Subscribe(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if m, err := hear(t.Context(), ps); err == nil {
			t.Errorf("%q: a message %v", answer, m)
		}
		ps.Close()
		tier := &Tier{keys: newKeys("x"), filler: &filler{limit: 100}, own: ownRecord{}}
		for what, do := range map[string]func() error{
			"get": func() error { _, err := tier.get(t.Context(), c, []byte("k")); return err },
			"pipeline": func() error {
				pipe := c.Pipeline()
				tier.ask(t.Context(), pipe, []byte("k"))
				return execute(t.Context(), pipe)
			},
			"sync": func() error {
				values, err := runSync(t.Context(), c, "z", nil)
				if err == nil {
					_, err = parseReply(values)
				}
				return err
			},
		} {
			if err := do(); err == nil {
				t.Errorf("%s: %q is no error", what, answer)
			}
		}
	}
}
