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
// A test that breaks its server has one to itself, by [NewPostgres], [NewRedis]
// or [Replica]. Those are processes of this machine, local or apt, whatever the
// variables say: [RedisServer] has the reasons.
//
// [NewCluster] and [NewSentinel] start sets of Redis servers, to be broken too,
// by the first of docker, local and apt that works and QUERYCACHE_TEST_WAYS
// permits. With docker a whole set is in one container, so that its members
// tell each other and clients the same addresses; the image is the one of
// [Redis]. No variable names a running set.
//
// Servers listen on 127.0.0.1, let everybody in without a password, keep
// nothing over a crash unless told to, and end with the process that started
// them.
//
// Not here: servers that outlive a process, versions to choose from, what is
// between client and server, Windows.
package testserver
