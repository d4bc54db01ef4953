package integration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/querycache/querycache/integration/checker"
)

// history merges, once all is over, what the processes have told with what the
// database says.
func (f *fleet) history() *checker.History {
	f.Helper()
	if f.past != nil {
		return f.past
	}
	f.mu.Lock()
	h := f.seen
	f.seen = new(checker.History) // of what comes later nobody asks
	f.mu.Unlock()
	h.Rows = rowsOfEach
	for i := range f.tables {
		var log string
		if err := f.bare.QueryRow(fmt.Sprintf("SELECT array_to_string(log, ' ') FROM t%d WHERE id = 1", i)).Scan(&log); err != nil {
			f.Fatal(err)
		}
		h.Logs = append(h.Logs, nil)
		for _, word := range strings.Fields(log) {
			var token int64
			fmt.Sscan(word, &token)
			h.Logs[i] = append(h.Logs[i], token)
		}
	}
	for _, p := range f.members {
		p.addTo(h)
	}
	f.past = h
	return h
}

// addTo adds what the process has seen and done.
func (p *process) addTo(h *checker.History) {
	p.mu.Lock()
	defer p.mu.Unlock()
	type place struct {
		table int
		token int64
	}
	done := make(map[place]record)
	for _, r := range p.records {
		if r.Kind == isWritten {
			done[place{r.Table, r.Token}] = r
		}
	}
	for _, r := range p.begun {
		w := checker.Write{Process: p.index, Table: r.Table, Token: r.Token, Begin: r.Before, End: checker.Never}
		switch end, ok := done[place{r.Table, r.Token}]; {
		case ok && end.Committed:
			w.End, w.Outcome = end.After, checker.Committed
		case ok:
			w.End, w.Outcome = end.After, checker.RolledBack
		case p.killed != 0:
			w.End = p.killed
		}
		h.Writes = append(h.Writes, w)
	}
	for _, r := range slices.Concat(p.records, p.last) {
		if r.Kind == isWritten {
			continue
		}
		h.Reads = append(h.Reads, checker.Read{
			Process: p.index, Table: r.Table, Version: r.Version, Token: r.Token, Begin: r.Before, End: r.After,
			Source: r.How, Bypass: r.Bypass, InTx: r.InTx, Rows: r.Rows, Torn: r.Torn,
		})
		if !r.InTx {
			h.Saw(r.Table, r.Version, r.After)
		}
	}
}
