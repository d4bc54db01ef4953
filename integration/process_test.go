package integration

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/querycache/querycache/integration/checker"
)

// A process is a member of a fleet, seen from outside.
type process struct {
	fleet  *fleet
	index  int
	config memberConfig
	proxy  *proxy
	cmd    *exec.Cmd
	in     io.WriteCloser
	enc    *json.Encoder
	ended  chan struct{}

	mu      sync.Mutex // guards following
	records []record   // reads, and writes that have returned
	begun   []record
	last    []record // at rest
	failed  []record
	late    []lateness
	missed  []lateness // failed Syncs so far, by time
	status  record
	held    []Held
	isReady bool
	quiet   bool
	done    bool
	idle    bool
	killed  int64      // when it was, or 0
	halts   [][2]int64 // when it was stopped and went on
}

// start runs the test binary as a member. It ends when its standard input does,
// so that it does not outlive this process, whichever way that ends.
func (p *process) start() {
	p.fleet.Helper()
	exe, err := os.Executable()
	if err != nil {
		p.fleet.Fatal(err)
	}
	p.cmd = exec.Command(exe)
	p.cmd.Env = append(os.Environ(), memberVariable+"=1", "GOMAXPROCS=2")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.fleet.Fatal(err)
	}
	p.enc = json.NewEncoder(p.in)
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		p.listen(json.NewDecoder(out))
		p.cmd.Wait()
	}()
	p.fleet.Cleanup(p.end)
	if err := p.enc.Encode(p.config); err != nil {
		p.fleet.Fatal(err)
	}
}

// end returns when it has ended and all that it told is here.
func (p *process) end() {
	p.in.Close()
	p.cmd.Process.Signal(syscall.SIGCONT)
	<-p.ended
}

func (p *process) listen(dec *json.Decoder) {
	for {
		var r record
		if dec.Decode(&r) != nil {
			return // it has ended
		}
		p.mu.Lock()
		switch r.Kind {
		case isReady:
			p.isReady = true
		case isBegun:
			p.begun = append(p.begun, r)
		case isFailed:
			p.failed = append(p.failed, r)
		case isLastRead:
			p.last = append(p.last, r)
		case isQuiet:
			p.quiet = true
		case isDone:
			p.done = true
		case isIdle:
			p.idle = true
		case isHeld:
			p.held = append(p.held, *r.Held)
		case isStatus:
			p.status = r
			p.late = append(p.late, lateness{r.After, r.Late})
			p.missed = append(p.missed, lateness{r.After, r.SyncErrors})
		default:
			p.records = append(p.records, r)
		}
		p.mu.Unlock()
	}
}

// told returns a question about what it has told; a killed one tells nothing.
func (p *process) told(flag *bool) func() bool {
	return func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return *flag || p.killed != 0
	}
}

// written is how many writes it has begun.
func (p *process) written() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.begun)
}

func (p *process) order(c command) {
	p.mu.Lock()
	killed := p.killed != 0
	p.mu.Unlock()
	if killed {
		return
	}
	if err := p.enc.Encode(c); err != nil {
		p.fleet.Errorf("%s has ended: %v", p.config.Name, err)
	}
}

// kill ends it at once, with what it has sent and the network still holds.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
	p.proxy.reset()
	p.mu.Lock()
	p.killed = now()
	p.mu.Unlock()
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGSTOP)
	p.mu.Lock()
	p.halts = append(p.halts, [2]int64{now(), checker.Never})
	p.mu.Unlock()
}

func (p *process) goOn() {
	p.mu.Lock()
	p.halts[len(p.halts)-1][1] = now()
	p.mu.Unlock()
	p.cmd.Process.Signal(syscall.SIGCONT)
}
