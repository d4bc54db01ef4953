// Package integration tests a fleet: processes that share one PostgreSQL and one
// Redis through this module, and what breaks while they do. It has no code of
// its own.
//
// What is tested is what invalidation promises: how old an answer may be that a
// process shows while others write, in normal running and under each fault. Every
// table has one row with the number of its version; every process records what
// it has read and written, and when, by the clock that they have in common.
// Afterwards the database says which versions there were, and each read is
// judged: see package checker. Tests print a table with what was measured next to the
// bounds.
//
// QUERYCACHE_TEST_INTEGRATION multiplies the time that is spent observing; it
// is a number, 1 by default.
package integration
