package integration

import (
	"bufio"
	"net"
	"sync"
	"testing"
	"time"
)

// What a proxy does with hints, which are the messages of a subscription.
const (
	passHints = iota
	dropHints
	doubleHints
	swapHints // each second one comes before the one before it
)

// A proxy is what is between one process and Redis. It is safe for concurrent
// use.
type proxy struct {
	listener net.Listener

	mu     sync.Mutex // guards following
	target string
	hole   chan struct{} // closed when the black hole ends; nil if there is none
	delay  time.Duration
	hints  int
	tear   int // every tear-th reply ends in the middle, and its connection with it
	count  int
	conns  map[net.Conn]bool
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, conns: make(map[net.Conn]bool)}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.setHole(false)
		p.reset()
		work.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// setHole makes nothing arrive, in either direction, and then what was sent
// meanwhile.
func (p *proxy) setHole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.hole == nil:
		p.hole = make(chan struct{})
	case !on && p.hole != nil:
		close(p.hole)
		p.hole = nil
	}
}

func (p *proxy) set(change func(p *proxy)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// reset ends all connections, and with them what was on the way.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}
}

func (p *proxy) wait() {
	p.mu.Lock()
	hole, delay := p.hole, p.delay
	p.mu.Unlock()
	if hole != nil {
		<-hole
	}
	time.Sleep(delay)
}

func (p *proxy) use(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
}

func (p *proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *proxy) serve(client net.Conn) {
	p.use(client)
	defer p.drop(client)
	p.wait()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.DialTimeout("tcp", target, time.Second)
	if err != nil {
		return
	}
	p.use(server)
	defer p.drop(server)
	var both sync.WaitGroup
	both.Go(func() {
		defer server.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := client.Read(buf)
			if n > 0 {
				p.wait()
				if _, err := server.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	both.Go(func() {
		defer client.Close()
		p.replies(bufio.NewReader(server), client)
	})
	both.Wait()
}

// replies forwards one reply after the other.
func (p *proxy) replies(server *bufio.Reader, client net.Conn) {
	var held []byte
	for {
		reply, err := readReply(server, nil)
		if err != nil {
			return
		}
		p.wait()
		p.mu.Lock()
		hints := p.hints
		p.count++
		torn := p.tear > 0 && p.count%p.tear == 0
		p.mu.Unlock()
		switch {
		case torn:
			client.Write(reply[:len(reply)/2])
			return
		case !isHint(reply):
			reply, held = append(held, reply...), nil
		case hints == dropHints:
			continue
		case hints == doubleHints:
			reply = append(reply, reply...)
		case hints == swapHints && held == nil:
			held = reply
			continue
		case hints == swapHints:
			reply, held = append(reply, held...), nil
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}
