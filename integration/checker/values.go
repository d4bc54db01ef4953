package checker

import "slices"

// Values reports answers that no moment of the database explains.
func (h *History) Values() (all []Violation) {
	for _, r := range h.Reads {
		switch kind, why := h.impossible(r); {
		case r.InTx && r.Source != Database:
			all = append(all, violation(InTransaction, "%s", r))
		case r.InTx: // it may see what is not committed
		case r.Torn:
			all = append(all, violation(Mixed, "%s, and others in other rows", r))
		case h.Rows > 0 && r.Rows > 0 && r.Rows != h.Rows:
			all = append(all, violation(Partial, "%s, %d rows of %d", r, r.Rows, h.Rows))
		case kind != "":
			all = append(all, violation(kind, "%s, of %d: %s", r, r.Token, why))
		}
	}
	return all
}

// impossible says why a read shows what was never committed.
func (h *History) impossible(r Read) (Kind, string) {
	log := h.Logs[r.Table]
	if r.Version == 0 && r.Token == 0 {
		return "", ""
	}
	if r.Version > 0 && r.Version <= int64(len(log)) && log[r.Version-1] == r.Token {
		return "", ""
	}
	if i := slices.Index(log, r.Token); i >= 0 {
		return Mixed, "the database had them apart"
	}
	if w := h.write(r.Table, r.Token); w != nil {
		return Undone, "the database does not have it"
	}
	return Unwritten, "nobody wrote it"
}

// Log reports where the database's log is not what the writers were told: a
// write is there twice, is missing although it was committed, is there although
// it was rolled back, or comes before one that had ended when it began.
func (h *History) Log() (all []Violation) {
	at := make(map[place]bool)
	for table, log := range h.Logs {
		earliest := Never // end of those that come later
		for v := len(log); v > 0; v-- {
			p := place{table, log[v-1]}
			if at[p] {
				all = append(all, violation(WrongLog, "t%d has %d twice", table, p.token))
			}
			at[p] = true
			w := h.write(p.table, p.token)
			if w == nil {
				continue
			}
			if earliest < w.Begin {
				all = append(all, violation(WrongLog, "version %d of t%d comes before one that had ended when it began", v, table))
			}
			if w.Outcome == Committed {
				earliest = min(earliest, w.End)
			}
		}
	}
	for _, w := range h.Writes {
		switch there := at[place{w.Table, w.Token}]; {
		case w.Outcome == Committed && !there:
			all = append(all, violation(WrongLog, "t%d has no write %d, which was committed", w.Table, w.Token))
		case w.Outcome == RolledBack && there:
			all = append(all, violation(WrongLog, "t%d has write %d, which was rolled back", w.Table, w.Token))
		}
	}
	return all
}
