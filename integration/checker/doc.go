// Package checker judges what processes have seen and done that share a database
// through a cache: it takes their reads and writes, and the database's own list
// of the versions that each table had, and says what must not have been.
//
// Each table has rows with the number of its version and with the token of the
// write that made it; a write raises the one, sets the other and adds its token
// to the table's log, all in one transaction. So the database itself says
// afterwards which write made which version, also where the writer did not live
// to see its end. Times are those of one clock that all processes have in
// common, in Unix nanoseconds.
//
// What is judged: how long after a write had returned an answer did not show it
// ([History.Judge]), that a process sees what it has written itself
// ([History.OwnWrites]), that nobody sees what was rolled back or never written,
// parts of an answer, or an answer of the cache in a transaction
// ([History.Values]), that the database did what its writers were told
// ([History.Log]), and whether reads and writes can be put into one order
// ([History.Linearizable]), which reads that bypass the cache always can, and
// cached ones in bounded mode cannot. Of answers of many rows, what was given as a
// whole and was not is found by [Whole.Judge].
package checker
