package pgsql

import "github.com/querycache/querycache/dialect"

// ofLocks are columns of the server's own that change although nothing is
// written: by locks, those of foreign keys among them, and by what is undone.
var ofLocks = nameSet("cmax cmin xmax")

// ofLocksNumbers are their numbers.
var ofLocksNumbers = nameSet("-3 -4 -5")

// column records the last name of a qualified column: if there is no such
// column, x.f means f(x).
func (w *walker) column(m message) {
	all := list(m, "fields")
	parts := names(all)
	if n := len(parts); n > 0 && ofLocks[parts[n-1]] {
		w.refuse(dialect.ReasonVolatile)
	}
	if n := len(parts); n > 1 && n == len(all) { // it does not end in a star
		w.st.Fields = append(w.st.Fields, parts[n-1])
		w.columns = append(w.columns, [2]string{parts[n-2], parts[n-1]})
	}
}

// indirection records (x).f, where x may be any value.
func (w *walker) indirection(m message) {
	for _, name := range names(list(m, "indirection")) {
		w.st.Fields = append(w.st.Fields, name, "."+name)
	}
}

// functionTable notes the name of a function in FROM: x.f of its x may be
// called with a value that is no row.
func (w *walker) functionTable(m message) {
	if w.values == nil {
		w.values = make(map[string]bool)
	}
	if alias := child(m, "alias"); alias != nil {
		w.values[str(alias, "aliasname")] = true
		return
	}
	for _, item := range list(m, "functions") {
		for _, f := range list(item, "items") {
			if f == nil || kindOf(f) != "FuncCall" {
				continue
			}
			if parts := names(list(f, "funcname")); len(parts) > 0 {
				w.values[parts[len(parts)-1]] = true
			}
		}
	}
}

// ofValues records the columns of functions in FROM once all are known.
func (w *walker) ofValues() {
	for _, c := range w.columns {
		if w.values[c[0]] {
			w.st.Fields = append(w.st.Fields, "."+c[1])
		}
	}
}
