package remote

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// info looks at what INFO says.
func (d *doctor) info(ctx context.Context) {
	text, err := d.client.Info(ctx).Result()
	if err != nil {
		d.add(Warning, "info_unreadable", fmt.Sprintf("INFO: %v", err), "allow INFO; what else it would have told is not checked")
		return
	}
	info := fields(text)
	if v := info["redis_version"]; !atLeast(v, 6, 2) {
		d.add(Problem, "version", fmt.Sprintf("Redis is of version %q", v), "use 6.2 or later, or Valkey")
	}
	if info["role"] == "slave" {
		d.add(Problem, "replica", "this Redis is a replica", "connect to the primary")
	}
	d.replicas = info["connected_slaves"] != "" && info["connected_slaves"] != "0"

	policy := info["maxmemory_policy"]
	limited := info["maxmemory"] != "" && info["maxmemory"] != "0"
	switch {
	case strings.HasPrefix(policy, "allkeys-"):
		d.add(Warning, "eviction", fmt.Sprintf("maxmemory-policy is %s: the control key may be evicted, and everything is then loaded again", policy),
			"set maxmemory-policy to volatile-lru or another volatile-*")
	case policy == "noeviction" && limited:
		d.add(Warning, "eviction", "maxmemory-policy is noeviction: when memory is full, no entry is stored",
			"set maxmemory-policy to volatile-lru or another volatile-*")
	case !limited && info["maxmemory"] != "":
		d.add(Info, "maxmemory", "maxmemory is not set: entries take what memory there is until their lifetime ends", "set maxmemory, with a volatile-* policy")
	}
	if info["aof_enabled"] == "0" {
		d.add(Info, "persistence", "appendonly is off: after a crash of Redis, tables that a dead writer has not told of are covered by one bump of everything", "")
	}
}

// config looks at what INFO does not say.
func (d *doctor) config(ctx context.Context) {
	get := func(name string) (string, error) {
		values, err := d.client.ConfigGet(ctx, name).Result()
		return values[name], err
	}
	appendonly, err := get("appendonly")
	if err != nil {
		d.add(Info, "config_unreadable", fmt.Sprintf("CONFIG GET: %v", err), "appendfsync and min-replicas-to-write are not checked")
		return
	}
	if fsync, err := get("appendfsync"); err == nil && appendonly == "yes" && fsync == "no" {
		d.add(Info, "appendfsync", "appendfsync is no: a crash of the machine loses more than a second of records", "set appendfsync to everysec")
	}
	if n, err := get("min-replicas-to-write"); err == nil && d.replicas && n == "0" {
		d.add(Warning, "min_replicas", "min-replicas-to-write is 0: a primary that a network fault has cut off goes on answering the nodes on its side",
			"set min-replicas-to-write to 1")
	}
}

// atLeast reports whether version is major.minor or later.
func atLeast(version string, major, minor int) bool {
	a, rest, _ := strings.Cut(version, ".")
	b, _, _ := strings.Cut(rest, ".")
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	return err1 == nil && err2 == nil && (x > major || x == major && y >= minor)
}
