package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/querycache/querycache"
)

// A write adds its token to the row's log, so that the database itself says
// afterwards which version is whose, also where the writer did not live to see
// its end.
const update = "UPDATE t%d SET v = v + 1, token = $1::bigint, log = CASE id WHEN 1 THEN log || $1::bigint ELSE log END"

// ways to write one or two tables.
var ways = []string{"autocommit", "prepared", "returning", "transaction", "two tables", "in text", "rollback"}

func (m *member) write(rng *rand.Rand) bool {
	token := m.tokens.Add(1)
	if m.MaxWrites > 0 && token-m.FirstToken > m.MaxWrites {
		if token-m.FirstToken == m.MaxWrites+int64(m.Writers) { // the last one
			m.tell(record{Kind: isIdle})
		}
		return false
	}
	way := rng.IntN(len(ways))
	tables := []int{m.target(rng)}
	if ways[way] == "two tables" {
		if other := m.target(rng); other != tables[0] { // in one order, for deadlocks are no fault
			tables = []int{min(tables[0], other), max(tables[0], other)}
		}
	}
	for _, t := range tables {
		m.tell(record{Kind: isBegun, Table: t, Token: token, Before: now(), How: ways[way]})
	}
	before := now()
	committed, err := m.writeBy(ways[way], tables, token)
	after := now()
	if deadlocked(err) {
		committed, err = false, nil
	}
	if err != nil {
		m.fail(fmt.Errorf("write, %s: %w", ways[way], err))
		return true
	}
	for _, t := range tables {
		m.tell(record{Kind: isWritten, Table: t, Token: token, Committed: committed, Before: before, After: after, How: ways[way]})
	}
	return true
}

// deadlocked reports whether the database has ended a write because two of them
// waited for each other: one UPDATE takes rows in the order in which they lie, and
// that changes. It would have without a cache, too.
func deadlocked(err error) bool {
	var told *pgconn.PgError
	return errors.As(err, &told) && told.Code == "40P01"
}

// target prefers low numbers: some tables are written often, some rarely.
func (m *member) target(rng *rand.Rand) int {
	if len(m.Own) > 0 && (m.Shared == 0 || rng.IntN(2) == 0) {
		return m.Own[rng.IntN(len(m.Own))]
	}
	return min(rng.IntN(m.Shared), rng.IntN(m.Shared))
}

func (m *member) writeBy(way string, tables []int, token int64) (committed bool, err error) {
	ctx := context.Background()
	text := fmt.Sprintf(update, tables[0])
	switch way {
	case "autocommit":
		_, err = m.db.ExecContext(ctx, text, token)
		return true, err
	case "prepared":
		st, err := m.db.PrepareContext(ctx, text)
		if err != nil {
			return false, err
		}
		_, err = st.ExecContext(ctx, token)
		return true, errors.Join(err, st.Close())
	case "returning":
		var v int64
		return true, m.db.QueryRowContext(ctx, text+" RETURNING v", token).Scan(&v)
	case "in text":
		return true, m.inText(ctx, text, token)
	}
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	for _, t := range tables {
		if err := m.inTx(ctx, tx, t, token); err != nil {
			return false, err
		}
	}
	if way == "rollback" {
		return false, tx.Rollback()
	}
	return true, tx.Commit()
}

// inTx writes, and sees what it wrote before anybody else does.
func (m *member) inTx(ctx context.Context, tx *sql.Tx, table int, token int64) error {
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(update, table), token); err != nil {
		return err
	}
	var v, got int64
	before := now()
	ctx, res := querycache.WithResult(ctx)
	if err := tx.QueryRowContext(ctx, fmt.Sprintf(reads[0], table)).Scan(&v, &got); err != nil {
		return err
	}
	m.tell(record{Kind: isRead, Table: table, Version: v, Token: got, Before: before, After: now(), How: res.Source().String(), InTx: true})
	if got != token {
		return fmt.Errorf("a transaction that wrote %d reads %d", token, got)
	}
	return nil
}

// inText is a transaction that database/sql knows nothing of.
func (m *member) inText(ctx context.Context, text string, token int64) error {
	c, err := m.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, text, token); err != nil {
		if deadlocked(err) {
			_, undone := c.ExecContext(ctx, "ROLLBACK")
			err = errors.Join(err, undone)
		}
		return err
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}
