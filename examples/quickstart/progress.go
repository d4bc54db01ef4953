package main

import (
	"fmt"
	"io"
	"os"
)

// A progress says what goes on: on a terminal in one line that is rewritten,
// elsewhere in one line per phase.
type progress struct {
	w        io.Writer
	terminal bool
}

func newProgress(w io.Writer) progress {
	f, ok := w.(*os.File)
	if !ok {
		return progress{w: w}
	}
	info, err := f.Stat()
	return progress{w: w, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// phase begins one.
func (p progress) phase(what string) {
	if p.terminal {
		p.rewrite(what)
		return
	}
	fmt.Fprintln(p.w, what)
}

// within tells how far the phase is; only a terminal shows it.
func (p progress) within(what string) {
	if p.terminal {
		p.rewrite(what)
	}
}

// end leaves the line empty for what comes next.
func (p progress) end() {
	if p.terminal {
		p.rewrite("")
		fmt.Fprint(p.w, "\r")
	}
}

// rewrite pads, so that nothing of a longer text before remains.
func (p progress) rewrite(what string) { fmt.Fprintf(p.w, "\r%-60s", what) }
