package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// A way gets hold of a server. What it cannot do here is an error, and the
// next way's turn.
type way struct {
	name string
	get  func(kind) (string, error)
}

var ways = []way{{"docker", docker}, {"local", local}, {"apt", apt}}

// binaries are the ways to a folder with a server's programs. Docker, whose
// programs stay in their container, is none.
var binaries = []way{{"local", kind.found}, {"apt", kind.installed}}

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
	some, err := choose(os.Getenv("QUERYCACHE_TEST_WAYS"))
	if err != nil {
		return "", err
	}
	url, err := k.first(some)
	if err != nil {
		return "", fmt.Errorf("%w\n%s: not set", err, k.variable)
	}
	return url, nil
}

// folder returns the folder with the server's programs. A QUERYCACHE_TEST_WAYS
// of docker alone says nothing about them, and so permits all.
func (k kind) folder() (string, error) {
	some, err := choose(os.Getenv("QUERYCACHE_TEST_WAYS"))
	if err != nil {
		return "", err
	}
	var permitted []way
	for _, w := range some {
		for _, b := range binaries {
			if b.name == w.name {
				permitted = append(permitted, b)
			}
		}
	}
	if permitted == nil {
		permitted = binaries
	}
	return k.first(permitted)
}

// first returns what the first way that works does.
func (k kind) first(some []way) (string, error) {
	why := fmt.Sprintf("no %s to test with; what was tried:", k.name)
	for _, w := range some {
		url, err := w.get(k)
		if err == nil {
			return url, nil
		}
		why += fmt.Sprintf("\n%s: %v", w.name, err)
	}
	return "", errors.New(why)
}

// choose returns the ways that a comma-separated list names, in its order;
// all of them if it is empty.
func choose(list string) ([]way, error) {
	if list == "" {
		return ways, nil
	}
	var some []way
next:
	for word := range strings.SplitSeq(list, ",") {
		for _, w := range ways {
			if w.name == strings.TrimSpace(word) {
				some = append(some, w)
				continue next
			}
		}
		return nil, fmt.Errorf("QUERYCACHE_TEST_WAYS: unknown way %q; there are docker, local and apt", word)
	}
	return some, nil
}
