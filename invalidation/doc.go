// Package invalidation decides whether a cached answer may still be shown. It
// keeps, for one database, a version per tag (a relation or a user's own tag),
// stamps that a load takes before its query, and the writes that are under
// way. It knows no SQL, no rows and no network; it starts no goroutine.
//
// The rule: an answer carries a [Stamp] taken before its query was sent. It is
// valid as long as none of its tags was bumped after the stamp and none is
// being written. A write marks its tags dirty before the statement (or, in a
// transaction, the COMMIT) is sent, and bumps them after it has ended:
//
//	writer                       reader
//	dirty(T)                     stamp s
//	statement sent               query sent
//	  … becomes visible …        rows read
//	bump: ver(T) = seq+1         store with s
//	clean(T)                     look-up: ver(T) > s, so it is gone
//
// If the query saw the rows from before the write, its stamp is older than the
// bump, wherever the write became visible in between. Nothing has to be
// deleted, and the order in which answers are stored does not matter.
package invalidation
