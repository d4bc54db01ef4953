// Package querycache answers repeated reads of a database/sql program from
// memory, invalidates them by table when the program writes, and never shows a
// row that a committed write has made wrong for longer than it says.
//
// It is a driver around a driver. A program changes the name it gives to
// sql.Open and writes a hint into the queries it chooses:
//
//	import _ "github.com/querycache/querycache/dialect/sqlite" // registers "sqlitecache"
//
//	db, err := sql.Open("sqlitecache", "shop.db")
//	row := db.QueryRow(`SELECT /* cache: ttl=30s */ name FROM goods WHERE id = ?`, 7)
//
// Everything else stays as it was: statements without a hint, transactions,
// prepared statements, errors. A program that wants to choose more makes a
// [Cache] with [New] and opens databases with [Cache.OpenDB] or, after
// [Cache.Register], by name.
//
// # What is cached
//
// A read that somebody asked to cache (a hint, [WithTTL], a [Rule] or
// [Config.DefaultTTL]) and that is proven safe: one statement over at least
// one ordinary table, without functions that depend on time, chance or session,
// outside a transaction, with arguments that can be keyed exactly and an answer
// within the limits. Everything else goes to the database, and [Stats],
// [WithResult] and [Cache.Explain] say why, as a [Reason].
//
// # What is promised
//
//   - A write through the cache is seen by every read of the process that begins
//     after the write has returned, whatever wrote (Exec, Query with RETURNING, a
//     trigger, a cascade, the COMMIT of a transaction) and whatever reads (a view).
//   - What a transaction writes is seen by nobody before its COMMIT and never
//     after a ROLLBACK. Its own reads go to the database.
//   - With [Config.Redis], writes of other processes that share it are seen within
//     milliseconds, and within the bounds that the README states when something
//     breaks: while it is not known what they write, reads go to the database.
//   - Writes past the cache, and by other processes without Redis, are seen when
//     the lifetime ends at the latest. Schema changes past the cache are seen
//     within [Config.CatalogInterval] and a lifetime. Where a hint or rule allows
//     answers beyond their lifetime, add what it allows.
//   - Rows are the database's: same types, same column metadata, same errors.
//   - Nothing read under one server, user, session or driver answers another.
//   - The cache never makes a query fail, but for [Config.Strict] and
//     [Config.FailUnannounced].
//
// # How it works
//
// cache.go is the page to read first. A statement is analysed once by the
// dialect; its answer is keyed by server, session, text and arguments and
// carries a stamp, taken before the query was sent, of the tables it depends on.
// A write marks its tables dirty before it is sent and moves their versions
// before its caller learns that it has ended. An answer whose stamp is older is
// not used. Nothing has to be deleted.
//
// Real connections belong to the connector: database/sql gets virtual ones,
// which take a real one when a statement needs it. So hits need none, and
// [Conns] bounds those that there are.
//
// # Packages
//
//	dialect             what has to be known about SQL; the generic dialect
//	dialect/postgres    PostgreSQL over pgx; registers "pgxcache"
//	dialect/postgres/pgsql  PostgreSQL for any driver
//	dialect/sqlite      SQLite; registers "sqlitecache"
//	local               the in-process tier, over otter
//	remote              the shared tier, over go-redis
//	invalidation        tags, stamps, versions, the log of a transaction; the node
//	                    that tells other processes and hears of them
//	stampede            one query for many readers: coalescing, when to refresh
//	                    early, who may load, how many at a time
//	internal/wrap       virtual and real connections, statements, transactions
//	internal/resultset  recording and replaying rows
//
// # Goroutines
//
// A Cache has one goroutine that keeps a coarse clock and one that drops
// expired entries; local.Config.OnRemoval and local.Config.IdleTime each add
// one. While a catalog is read in the background there is one more per server,
// and one for each answer that is being refreshed.
// With [Config.Redis] there are three per server: one that syncs, one that
// listens, one that stores; and go-redis has its own. [Cache.Close] joins them
// all.
//
// # When it is the wrong tool
//
// Where most reads are different from each other, where every read follows a
// write of the same table, where rows must never be older than now although
// others write past the cache, or where the database answers faster than about
// a microsecond.
package querycache
