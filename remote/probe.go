package remote

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed probe.lua
var probeSource string

var probeScript = redis.NewScript(probeSource)

// Mode is how the loss of acknowledged writes is noticed.
type Mode uint8

const (
	RunID   Mode = iota // an epoch is bound to the server's run_id
	Witness             // the node's own record bears witness
)

// String returns the mode in lower case.
func (m Mode) String() string {
	if m == Witness {
		return "witness"
	}
	return "run_id"
}

// server is what the probe found.
type server struct {
	mode    Mode
	sharded bool   // hints go by SPUBLISH
	refusal string // why there is no run_id
}

// probe asks once, when attaching.
func (t *Tier) probe(ctx context.Context) (server, error) {
	ctx, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	cluster := ""
	if _, ok := t.control.(*redis.ClusterClient); ok {
		cluster = "1"
	}
	reply, err := probeScript.Run(ctx, t.control, []string{t.keys.control}, t.keys.channel, cluster).StringSlice()
	if err != nil {
		return server{}, probeError(err)
	}
	if len(reply) != 3 {
		return server{}, fmt.Errorf("querycache: remote: the probe script returned %d values, expected 3", len(reply))
	}
	s := server{sharded: reply[1] == "1"}
	if reply[0] == "" {
		s.mode, s.refusal = Witness, reply[2]
	}
	return s, nil
}

// probeError tells what will not pass from what may.
func probeError(err error) error {
	text := err.Error()
	switch {
	case !isReply(err) || transient(err):
		return fmt.Errorf("%w: attach: %w", ErrUnavailable, err)
	case strings.Contains(text, "READONLY"):
		return fmt.Errorf("querycache: remote: the client is connected to a replica, expected a primary: %w", err)
	case strings.HasPrefix(text, "NOAUTH"), strings.HasPrefix(text, "WRONGPASS"):
		return fmt.Errorf("querycache: remote: attach: %w", err)
	}
	return fmt.Errorf("querycache: remote: Redis does not run the script that the shared tier needs (EVAL with INFO, TIME, ZADD and others on keys {qc:*): %w", err)
}

// isReply reports whether the server answered, if only with an error.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// transient reports whether the server answered that it cannot answer now.
func transient(err error) bool {
	for _, prefix := range []string{"LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS", "UNBLOCKED", "MOVED", "ASK"} {
		if redis.HasErrorPrefix(err, prefix) || strings.HasPrefix(err.Error(), prefix) {
			return true
		}
	}
	return strings.Contains(err.Error(), "max number of clients")
}
