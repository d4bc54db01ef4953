package querycache

import (
	"fmt"

	"github.com/querycache/querycache/dialect"
)

// A Reason is the stable code for why a statement was not cached, or why a
// write invalidated everything. The codes that come from the SQL and the
// catalog are in package dialect.
type Reason = dialect.Reason

// Reasons that come from the cache, the connection or the call.
const (
	ReasonDisabled       Reason = "disabled"           // SetEnabled(false), QUERYCACHE_DISABLED, or the Cache is closed
	ReasonOff            Reason = "off"                // a hint, a rule or the context forbids it
	ReasonNoTTL          Reason = "no_ttl"             // nobody asked for it: no hint, context, rule or default
	ReasonMalformedHint  Reason = "malformed_hint"     // the hint has a mistake; it is logged once
	ReasonTransaction    Reason = "in_transaction"     // reads of a transaction are its own
	ReasonSession        Reason = "session_tainted"    // something was SET that answers may depend on
	ReasonSessionHook    Reason = "session_hook"       // the connector may set what the cache cannot see: Config.Session
	ReasonSessionUnknown Reason = "session_unknown"    // Config.Session said not ok
	ReasonProbe          Reason = "probe_failed"       // the server would not say who it is
	ReasonCatalog        Reason = "catalog_loading"    // the catalog is being read
	ReasonTable          Reason = "declared_relation"  // tables= names a relation that the catalog does not know
	ReasonArg            Reason = "arg_type"           // an argument whose type has no exact key
	ReasonTooLarge       Reason = "too_large"          // over the limits on rows or bytes, or was so minutes ago
	ReasonLease          Reason = "shared_tier_lost"   // the shared tier has not answered for a second: what others write is not known
	ReasonNotBefore      Reason = "not_before"         // what a token of WithNotBefore stands for is not known here yet
	ReasonLoadFailed     Reason = "load_failed"        // the query that this one waited for failed, perhaps for reasons of its session
	ReasonCustomType     Reason = "custom_type"        // the driver returned a value that cannot be replayed exactly
	ReasonManySets       Reason = "many_result_sets"   // more than one result set
	ReasonExposed        Reason = "connection_exposed" // Unwrap handed out the driver's connection
	ReasonEscaped        Reason = "write_escaped"      // a table was written by what is not known: Config.SampleWrites
	ReasonUser           Reason = "invalidate_all"     // InvalidateAll was called
)

// A RefusedError reports, under Config.Strict, that a statement with a hint
// was not cached.
type RefusedError struct {
	Reason Reason
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("querycache: hinted statement refused: %s", e.Reason)
}
