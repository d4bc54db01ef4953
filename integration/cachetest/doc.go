// Package cachetest is for the integration tests of programs that use
// querycache: it gives a test a PostgreSQL database and a Redis, a cache over
// them, and a way to say where a read has to come from.
//
//	env := cachetest.New(t, cachetest.Options{Schema: "CREATE TABLE goods (id int PRIMARY KEY, price int)"})
//	env.Query("SELECT price FROM goods WHERE id = $1", 7).From(t, querycache.Database)
//	env.Query("SELECT price FROM goods WHERE id = $1", 7).From(t, querycache.Local)
//
// What a test mostly wants to know is about functions of the program, and
// [Env.Call] is for them: that a page is answered from memory the second time,
// that it is not after this or that write, that a query which somebody has
// changed is still one that can be cached. [Env.Second] stands for another
// process of the program.
//
// # Servers
//
// They are, in this order, those that the environment names in
// QUERYCACHE_TEST_POSTGRES and QUERYCACHE_TEST_REDIS (URLs without parameters,
// such as postgres://user:password@host:5432/postgres), containers if Docker
// answers, programs of this machine, and, as root on Debian, those programs
// after installing them. QUERYCACHE_TEST_WAYS restricts that, such as to
// "docker" or "local"; QUERYCACHE_TEST_POSTGRES_IMAGE and
// QUERYCACHE_TEST_REDIS_IMAGE name the images. They are started once per test
// process and end with it. Each test has a database of its own there, which is
// dropped at its end, and a namespace of its own in Redis. A test that gets no
// server fails; with -short it is skipped.
//
// What a test says of Redis it may say of nothing but its own namespace: others
// use the same.
package cachetest
