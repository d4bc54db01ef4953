// Package remote is the shared tier: the Redis side of it. It stores entries
// as opaque bytes, and runs the one control script through which the nodes of
// a fleet tell each other what they have written. It knows no SQL, no rows and
// no tags beyond their names; what a node makes of a reply is decided
// elsewhere. It is the only package that imports go-redis.
//
// # Keys
//
//	{qc:<ns>}:z                              control: a sorted set, see sync.lua
//	{qc:<ns>}:z:c                            the channel of hints
//	qc:<ns>:<entry format>:{<digest>}:e      an entry, a string with a lifetime
//
// <ns> is the control version, a slash and the namespace. Whatever in the
// namespace could end a hash tag or be taken for a separator is escaped. The
// entry format is in the entry's key only, so that two releases of the library
// with different formats still hear each other's writes.
//
// # Modes
//
// An epoch belongs to one incarnation of the server: after a restart or a
// failover writes may be lost, and everything that was read before is void.
// Where scripts may ask INFO, the run_id tells ([RunID]). Elsewhere the node's
// own record is the witness ([Witness]): if Redis has forgotten what it had
// acknowledged to this node, it has gone back in time. That does not notice a
// restart from an old snapshot while no node of the fleet was alive, and after
// a loss every node makes an epoch of its own before they agree, within one
// poll.
//
// # Connections
//
// The user's client is never used for commands, changed or closed, if it is of
// a kind whose options can be copied: a [Tier] makes two clients of its own,
// one for control and one for entries, which do not retry and obey deadlines.
package remote
