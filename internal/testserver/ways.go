package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// A way gets hold of a server, or of what else one needs. What it cannot do
// here is an error, and the next way's turn.
type way[T any] struct {
	name string
	get  func(kind) (T, error)
}

var ways = []way[string]{{"docker", docker}, {"local", local}, {"apt", apt}}

// binaries are the ways to a folder with a server's programs. Docker, whose
// programs stay in their container, is none.
var binaries = []way[string]{{"local", kind.found}, {"apt", kind.installed}}

// machines are the ways to where the servers of a set run.
var machines = []way[machine]{
	{"docker", func(k kind) (machine, error) { return newBox(k) }},
	{"local", func(k kind) (machine, error) { return newHost(k.found()) }},
	{"apt", func(k kind) (machine, error) { return newHost(k.installed()) }},
}

// server returns the address of a running server: of the one that the
// environment names, or by the first way that works.
func (k kind) server() (string, error) {
	if url := os.Getenv(k.variable); url != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := k.ready(ctx, url, ""); err != nil {
			return "", fmt.Errorf("%s is set, but gives no %s: %w", k.variable, k.name, err)
		}
		return url, nil
	}
	url, err := first(k, ways)
	if err != nil {
		return "", fmt.Errorf("%w\n%s: not set", err, k.variable)
	}
	return url, nil
}

// folder returns the folder with the server's programs. A QUERYCACHE_TEST_WAYS
// of docker alone says nothing about them, and so permits all.
func (k kind) folder() (string, error) { return first(k, binaries) }

// first returns what the first of the permitted ways that works does. If none
// of them is permitted, all are.
func first[T any](k kind, all []way[T]) (T, error) {
	var none T
	some, err := choose(os.Getenv("QUERYCACHE_TEST_WAYS"), all)
	if err != nil {
		return none, err
	}
	why := fmt.Sprintf("no %s to test with; what was tried:", k.name)
	for _, w := range some {
		got, err := w.get(k)
		if err == nil {
			return got, nil
		}
		why += fmt.Sprintf("\n%s: %v", w.name, err)
	}
	return none, errors.New(why)
}

// choose returns those of the ways that a comma-separated list names, in its
// order; all of them if it names none of them.
func choose[T any](list string, all []way[T]) ([]way[T], error) {
	if list == "" {
		return all, nil
	}
	var some []way[T]
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimSpace(word)
		if !slices.ContainsFunc(ways, func(w way[string]) bool { return w.name == word }) {
			return nil, fmt.Errorf("QUERYCACHE_TEST_WAYS: unknown way %q; there are docker, local and apt", word)
		}
		for _, w := range all {
			if w.name == word {
				some = append(some, w)
			}
		}
	}
	if some == nil {
		return all, nil
	}
	return some, nil
}
