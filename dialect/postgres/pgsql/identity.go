package pgsql

import (
	"fmt"
	"sync"

	"github.com/querycache/querycache/dialect"
)

// identities are the ways to name a cluster and its timeline, best first. Some
// services do not let everybody see the control file, or have no WAL of their
// own.
var identities = []string{
	`(SELECT system_identifier FROM pg_catalog.pg_control_system())::text,
 CASE WHEN pg_catalog.pg_is_in_recovery() THEN '' ELSE pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END`,
	`(SELECT system_identifier FROM pg_catalog.pg_control_system())::text,
 (SELECT pg_catalog.upper(pg_catalog.lpad(pg_catalog.to_hex(timeline_id), 8, '0')) FROM pg_catalog.pg_control_checkpoint())`,
	`'', ''`,
}

// known is what servers are called in this process. Where a server does not tell
// a role who it is, it is known by the moment it was started, which everybody may
// ask; but all roles must mean one and the same server here, so whichever name
// came first for that moment and database stays. A timeline that changes is
// another name: only a replica that is promoted has one, and nothing was known of
// it before.
var known = struct {
	mu   sync.Mutex // guards following
	full map[string]dialect.Server
	weak map[string]bool
}{full: make(map[string]dialect.Server), weak: make(map[string]bool)}

// serverName names a database of a server. system and timeline are empty where
// the role may not know them.
func serverName(system, timeline, database, started string) dialect.Server {
	key := started + ":" + database
	known.mu.Lock()
	defer known.mu.Unlock()
	if system == "" {
		if full, ok := known.full[key]; ok {
			return full
		}
		known.weak[key] = true
	}
	if known.weak[key] {
		return dialect.Server(dialect.WeakServer + "postgres:" + key)
	}
	name := dialect.Server(fmt.Sprintf("postgres:%s:%s:%s", system, timeline, database))
	known.full[key] = name
	return name
}
