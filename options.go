package querycache

import (
	"context"
	"slices"
	"time"

	"github.com/querycache/querycache/invalidation"
)

// options are what a context says about the statements run under it. They are
// immutable and kept under one key, so that a hit looks up the context once.
type options struct {
	ttl     time.Duration
	bypass  bool
	refresh bool
	tags    []string
	// notBefore is what has to be known, by database.
	notBefore map[string]invalidation.FleetStamp
	result    *Result
}

type optionsKey struct{}

// optionsOf returns nil if the context says nothing.
func optionsOf(ctx context.Context) *options {
	o, _ := ctx.Value(optionsKey{}).(*options)
	return o
}

func with(ctx context.Context, change func(*options)) context.Context {
	var o options
	if old := optionsOf(ctx); old != nil {
		o = *old
	}
	change(&o)
	return context.WithValue(ctx, optionsKey{}, &o)
}

// WithTTL asks that reads under the context be cached for ttl, whatever their
// hints and the rules say, and that none older than ttl be shown, not as a
// [Stale] one either. A ttl of 0 or less is [WithBypass].
func WithTTL(ctx context.Context, ttl time.Duration) context.Context {
	if ttl <= 0 {
		return WithBypass(ctx)
	}
	return with(ctx, func(o *options) { o.ttl = ttl })
}

// WithBypass sends reads under the context to the database and stores nothing
// of them. Writes still invalidate.
func WithBypass(ctx context.Context) context.Context {
	return with(ctx, func(o *options) { o.bypass = true })
}

// WithRefresh sends cacheable reads under the context to the database and
// replaces what is cached with the answer.
func WithRefresh(ctx context.Context) context.Context {
	return with(ctx, func(o *options) { o.refresh = true })
}

// WithTags adds tags to answers cached under the context, for
// [Cache.InvalidateTags]. A read with other tags is another entry.
func WithTags(ctx context.Context, tags ...string) context.Context {
	return with(ctx, func(o *options) { o.tags = slices.Concat(o.tags, tags) })
}

// WithResult returns a context whose [Result] tells, after a statement has
// returned, where its rows came from. It describes the last statement run
// under the context.
func WithResult(ctx context.Context) (context.Context, *Result) {
	r := new(Result)
	return with(ctx, func(o *options) { o.result = r }), r
}
