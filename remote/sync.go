package remote

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed sync.lua
var syncSource string

// syncScript is run by its digest, and by its text when the server does not
// know it: after SCRIPT FLUSH, on a promoted replica, on the new owner of a
// slot. It is never part of a pipeline of ours, where go-redis would not fall
// back.
var syncScript = redis.NewScript(syncSource)

// Sync runs SYNC, one at a time: replies then come in the order of the server.
// After an error the call may or may not have had its effect; the same bumps
// sent again do no harm. It takes at most Config.Timeout, or a second to
// attach, once the one before it has ended.
//
// It still works after Close, for writes that come late and have to be told
// of; each call then makes a connection of its own and may take a second.
func (t *Tier) Sync(ctx context.Context, r Request) (Reply, error) {
	if err := r.check(); err != nil {
		return Reply{}, err
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return Reply{}, fmt.Errorf("querycache: remote: sync: %w", ctx.Err())
	}
	control, timeout := t.control, t.timeout
	if t.closed.Err() != nil && !t.shared {
		c, _ := copyClient(t.user, t.timeout, 1)
		defer func() { _ = c.Close() }() // the reply is there
		control, timeout = c, max(timeout, attachTimeout)
	}
	if r.Epoch == "" {
		timeout = max(timeout, attachTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	record := newRecord(r)
	args := t.own.begin(record, r, t.server)
	start := time.Now()
	values, err := runSync(ctx, control, t.keys.control, args)
	t.counts.sync.add(time.Since(start), err)
	if err != nil {
		if !isReply(err) {
			reload(control)
		}
		t.own.puzzled = t.own.puzzled || strings.Contains(err.Error(), "WRONGTYPE")
		return Reply{}, fmt.Errorf("querycache: remote: sync: %w", err)
	}
	reply, err := parseReply(values)
	if err != nil {
		t.own.puzzled = true
		return Reply{}, err
	}
	t.own.acknowledged(record, reply.Now.UnixMicro()+r.deadline().Microseconds())
	return reply, nil
}

// maxSeq is up to where the script's numbers are exact.
const maxSeq = 1 << 53

var errReply = errors.New("querycache: remote: sync: a reply that is not one of the SYNC script")

func parseReply(values []any) (Reply, error) {
	if len(values) != 4 {
		return Reply{}, errReply
	}
	epoch, ok1 := values[0].(string)
	seq, ok2 := values[1].(string)
	now, ok3 := values[2].(int64)
	list, ok4 := values[3].([]any)
	if !ok1 || !ok2 || !ok3 || !ok4 || epoch == "" || len(list)%2 != 0 {
		return Reply{}, errReply
	}
	r := Reply{Epoch: epoch, Now: time.UnixMicro(now), Changed: make([]Change, 0, len(list)/2)}
	var err error
	if r.Seq, err = strconv.ParseUint(seq, 10, 64); err != nil || r.Seq >= maxSeq {
		return Reply{}, errReply
	}
	for i := 0; i < len(list); i += 2 {
		member, _ := list[i].(string)
		score, _ := list[i+1].(string)
		tag, ok := tagOf(member)
		n, err := strconv.ParseUint(score, 10, 64)
		if !ok || err != nil {
			return Reply{}, errReply
		}
		r.Changed = append(r.Changed, Change{Tag: tag, Seq: n})
	}
	return r, nil
}
