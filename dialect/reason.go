package dialect

// A Reason is the code for why a statement was not cached or a write could
// not be followed. Codes are lower-case words, stable across versions, and
// hold no names or values of the statement.
type Reason string

// Reasons that come from the text or the catalog.
const (
	ReasonUnparsable     Reason = "unparsable"      // the parser refused the text
	ReasonTooLong        Reason = "text_too_long"   // over the analyser's limit on bytes or nesting
	ReasonUnanalysed     Reason = "unanalysed"      // no analyser for this dialect: declare tables= in a hint
	ReasonNotRead        Reason = "not_read"        // not a query
	ReasonMulti          Reason = "multi_statement" // more than one statement in the text
	ReasonNoRelation     Reason = "no_relation"     // a query over no relation (health check)
	ReasonLocking        Reason = "locking"         // FOR UPDATE and the like
	ReasonVolatile       Reason = "volatile_function"
	ReasonUnknownFunc    Reason = "unknown_function" // not on the allow-list and not known to be deterministic
	ReasonClock          Reason = "clock_function"   // depends on the current time
	ReasonUnknownTable   Reason = "unknown_relation" // not in the catalog snapshot
	ReasonAmbiguousTable Reason = "ambiguous_relation"
	ReasonSystemTable    Reason = "system_relation"
	ReasonTempTable      Reason = "temporary_relation"
	ReasonVirtualTable   Reason = "virtual_relation"
	ReasonSessionFunc    Reason = "session_function"  // depends on the session, the server or the catalog
	ReasonSample         Reason = "tablesample"       // TABLESAMPLE
	ReasonUnlogged       Reason = "unlogged_relation" // emptied by a crash
	ReasonForeign        Reason = "foreign_relation"  // written elsewhere
	ReasonRowSecurity    Reason = "row_security"      // policies depend on more than the key holds
	ReasonReplica        Reason = "replica"           // the server lags behind another
	ReasonHolds          Reason = "session_holds"     // the session holds a lock, a cursor or a channel
	ReasonStrings        Reason = "string_syntax"     // standard_conforming_strings is off
	ReasonTrigger        Reason = "trigger"           // what a trigger does is not known
	ReasonRule           Reason = "rule"              // what a rule does is not known
	ReasonCascade        Reason = "cascade"           // foreign keys may write other relations
	ReasonMemory         Reason = "memory_database"   // rows are in memory already, and private to a connection
	ReasonAttached       Reason = "attached_database"
	ReasonDirtyReads     Reason = "dirty_reads"      // the session sees rows that are not committed
	ReasonSchemaChange   Reason = "schema_change"    // DDL: counts as a write of everything
	ReasonNotWritable    Reason = "not_writable"     // a view that no trigger makes writable
	ReasonDefault        Reason = "default_function" // a default, a check or a type of the relation calls a function that may write
	ReasonBeyond         Reason = "outside_writes"   // functions may write past the transaction: dblink, foreign tables, C
	ReasonSessionChange  Reason = "session_change"   // the text changes its session and writes
)

// Firm reports whether r protects sessions from one another or rows that are
// not committed, rather than saying that analysis does not know enough: nobody
// can vouch for what is refused for a firm reason.
func (r Reason) Firm() bool {
	switch r {
	case ReasonTempTable, ReasonAttached, ReasonMemory, ReasonDirtyReads, ReasonLocking,
		ReasonMulti, ReasonSessionFunc, ReasonHolds, ReasonStrings, ReasonRowSecurity, ReasonReplica:
		return true
	}
	return false
}

// Or returns the reason to keep of two for the same statement: the first one
// met, but a firm one rather than one that somebody may vouch for. That a
// statement is no read stays.
func (r Reason) Or(other Reason) Reason {
	if r == "" || other.Firm() && !r.Firm() && r != ReasonNotRead {
		return other
	}
	return r
}
