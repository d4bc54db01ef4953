// Package testserver gives tests a database server and a Redis, so that what
// depends on a real one is tested with a real one on every machine that can
// have it.
//
// [Postgres] and [Redis] take the first of these that works, once per test
// process:
//
//   - the server that a variable names (QUERYCACHE_TEST_POSTGRES and
//     QUERYCACHE_TEST_REDIS, URLs without parameters, for tests append
//     theirs): if it is set, that one or none;
//   - docker: a container, of the image in QUERYCACHE_TEST_POSTGRES_IMAGE or
//     QUERYCACHE_TEST_REDIS_IMAGE, or else an official one; images/build makes
//     them out of Debian packages;
//   - local: binaries on PATH or where Debian has them;
//   - apt: those, after installing the Debian package, as root.
//
// QUERYCACHE_TEST_WAYS, such as "docker" or "local,apt", restricts this. A
// test that gets no server fails; it is skipped only under -short.
//
// A test that breaks its Redis has one to itself, by [NewRedis], [Replica],
// [NewCluster] or [NewSentinel]. Those are processes of this machine, local or
// apt, whatever the variables say: [RedisServer] has the reasons.
//
// Servers listen on 127.0.0.1, let everybody in without a password, keep
// nothing over a crash unless told to, and end with the process that started
// them.
//
// Not here: servers that outlive a process, versions to choose from, a
// PostgreSQL to break, what is between client and server, Windows.
package testserver
