package testserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process of this machine, as /proc shows it.
type process struct {
	pid, parent int
	state       string // R, S, T, Z, …
	start       string // when it was started; with pid, which process it is
}

var errGone = errors.New("the process has ended")

// look returns the process with a number, or errGone.
func look(pid int) (process, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return process{}, errGone
	}
	if err != nil {
		return process{}, err
	}
	// The name, in parentheses, may hold anything.
	words := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(words) < 20 {
		return process{}, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	parent, err := strconv.Atoi(words[1])
	if words[0] == "Z" || words[0] == "X" {
		return process{}, errGone // waits for nothing but its parent
	}
	return process{pid: pid, parent: parent, state: words[0], start: words[19]}, err
}

// childrenOf returns the processes that a process has started.
func childrenOf(pid int) ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []process
	for _, entry := range entries {
		n, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		p, err := look(n)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.parent == pid {
			all = append(all, p)
		}
	}
	return all, nil
}

// stop stops a process and returns when it does nothing any more, or errGone.
func stop(pid int) (process, error) {
	if err := syscall.Kill(pid, syscall.SIGSTOP); errors.Is(err, syscall.ESRCH) {
		return process{}, errGone
	} else if err != nil {
		return process{}, err
	}
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		p, err := look(pid)
		if err != nil || p.state == "T" {
			return p, err
		}
		if time.Since(start) > patience {
			return p, fmt.Errorf("process %d, state %s, does not stop", pid, p.state)
		}
	}
}

// gone returns nil if the process has ended.
func (p process) gone() error {
	now, err := look(p.pid)
	if errors.Is(err, errGone) || err == nil && now.start != p.start {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("process %d, state %s, has not ended", p.pid, now.state)
}
