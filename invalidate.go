package querycache

import (
	"context"
	"fmt"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/invalidation"
)

// Invalidate makes every cached answer invalid that depends on one of the
// tables, given as in SQL ("public.books", "books"), in every database that
// the cache serves; a view stands for what it reads. It is for writes that the
// cache cannot see, and reaches also what is kept on writes. A malformed name is
// an error, and then nothing is invalidated. Where a catalog does not know a
// name, everything is invalidated.
func (c *Cache) Invalidate(ctx context.Context, tables ...string) error {
	parsed := make([]dialect.Table, len(tables))
	for i, name := range tables {
		t, err := parseTable(name)
		if err != nil {
			return fmt.Errorf("querycache: Invalidate: %w", err)
		}
		parsed[i] = t
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(parsed) == 0 {
		return nil
	}
	c.bump(func(srv *server) invalidation.Tags { return srv.relations(parsed) })
	return nil
}

// InvalidateTags makes every cached answer invalid that carries one of the
// tags, from a hint or from [WithTags], in every database.
func (c *Cache) InvalidateTags(ctx context.Context, tags ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.bump(func(srv *server) invalidation.Tags { return srv.space.Tags(userTags(tags)...) })
	return nil
}

// InvalidateAll makes every cached answer invalid.
func (c *Cache) InvalidateAll(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.bump(func(*server) invalidation.Tags { return invalidation.Everything() })
	return nil
}

// bump invalidates in every database.
func (c *Cache) bump(tags func(*server) invalidation.Tags) {
	servers := c.servers.all()
	together(len(servers), func(i int) {
		servers[i].space.Revoke(tags(servers[i]))
	})
}

// relations resolves names by the catalog. While it is not known, they stand
// for everything.
func (s *server) relations(tables []dialect.Table) invalidation.Tags {
	snap := s.current()
	if snap == nil {
		return invalidation.Everything()
	}
	var names []string
	for _, table := range tables {
		tags, ok := snap.catalog.Tags(table, dialect.Session{})
		if !ok {
			return invalidation.Everything()
		}
		names = append(names, tags...)
	}
	return s.tags(names)
}
