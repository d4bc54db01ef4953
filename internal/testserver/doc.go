// Package testserver gives tests a database server, so that what depends on a
// real one is tested with a real one on every machine that can have it.
//
// It takes the first of these that works, once per test process:
//
//   - the server that a variable names (QUERYCACHE_TEST_POSTGRES, a URL
//     without parameters, for tests append theirs): if it is set, that one or
//     none;
//   - docker: a container, of the image in QUERYCACHE_TEST_POSTGRES_IMAGE or
//     else an official one; images/build makes one out of Debian packages;
//   - local: binaries on PATH or where Debian has them;
//   - apt: those, after installing the Debian package, as root.
//
// QUERYCACHE_TEST_WAYS, such as "docker" or "local,apt", restricts this. A
// test that gets no server fails; it is skipped only under -short.
//
// Servers listen on 127.0.0.1, let everybody in without a password, keep
// nothing over a crash, and end with the process that started them.
//
// Not here: servers that outlive a process, versions to choose from, more
// than one server of a kind, Windows.
package testserver
