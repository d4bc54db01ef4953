package postgres

import (
	"context"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/dialect/postgres/pgsql"
)

var _ dialect.WriteAsker = postgres{}

// AskWrites implements [dialect.WriteAsker], in one round trip.
func (d postgres) AskWrites(ctx context.Context, conn driver.Conn, catalog dialect.Catalog) (dialect.Written, error) {
	c, ok := conn.(*stdlib.Conn)
	if !ok || c.Conn() == nil {
		return d.Dialect.AskWrites(ctx, conn, catalog)
	}
	return pgsql.AskWrites(ctx, catalog, func(ctx context.Context, texts ...string) (rows [][]string, err error) {
		// As a batch, the texts are prepared once per connection, where the exec
		// mode allows it: to plan the query takes longer than to run it.
		var batch pgx.Batch
		for _, text := range texts {
			batch.Queue(text)
		}
		results := c.Conn().SendBatch(ctx, &batch)
		defer func() {
			if closing := results.Close(); err == nil {
				err = closing
			}
		}()
		for range texts {
			result, err := results.Query()
			if err != nil {
				return nil, err
			}
			got, err := pgx.CollectRows(result, threeTexts)
			if err != nil {
				return nil, err
			}
			rows = append(rows, got...)
		}
		return rows, nil
	})
}

// threeTexts scans the three columns of the answer.
func threeTexts(row pgx.CollectableRow) ([]string, error) {
	texts := make([]string, 3)
	return texts, row.Scan(&texts[0], &texts[1], &texts[2])
}
