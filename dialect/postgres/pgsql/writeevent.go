package pgsql

// event notes that the statement fires event triggers, although it is no change
// of the schema.
func (w *walker) event() {
	w.st.Functions = append(w.st.Functions, eventTriggers)
}

// eventTriggers stands among the functions for those that any DDL fires.
const eventTriggers = "event trigger"

// executes reports whether a statement makes a table of what EXECUTE returns.
func executes(m message) bool {
	query := unwrap(child(m, "query"))
	return query != nil && kindOf(query) == "ExecuteStmt"
}
