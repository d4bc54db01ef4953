// Package bench runs one program over several ways to remember answers, and
// prints what each of them does. It is a module of its own, so that what is
// compared does not become a dependency of querycache.
//
//	make bench-compare
//
// TestClaims holds what it says of each way; BenchmarkHit has the price of a hit,
// as ratios within one run. The ways are
//
//	bare        modernc.org/sqlite, which remembers nothing: what is right
//	querycache  the same driver through a querycache.Cache
//	by hand     a map with lifetimes in front of database/sql, keyed by the text
//	            and the arguments, as many programs have one
//
// The hints are written so that other packages of the kind understand them too.
// One more package is one more element of ways, if it wraps a driver.Driver, and
// one more require in this go.mod.
package bench
