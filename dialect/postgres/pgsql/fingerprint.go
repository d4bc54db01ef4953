package pgsql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/querycache/querycache/dialect"
)

var _ dialect.Fingerprinter = Dialect{}

// fingerprintQuery sums up which transactions wrote the rows of the catalog that
// [Dialect.Load] reads: a row that is new, changed or gone shows in it.
const fingerprintQuery = `SELECT pg_catalog.concat_ws(' ',
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_class),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_attribute),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_namespace),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_proc),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_type),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_aggregate),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_operator),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_cast),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_rewrite),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_trigger),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_inherits),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_constraint),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_attrdef),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_extension),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_policy))`

// Fingerprint implements [dialect.Fingerprinter].
func (Dialect) Fingerprint(ctx context.Context, conn driver.Conn) (string, error) {
	rows, err := dialect.Query(ctx, conn, fingerprintQuery)
	if err != nil {
		return "", err
	}
	if len(rows) != 1 || len(rows[0]) != 1 {
		return "", fmt.Errorf("querycache: pgsql: the fingerprint answered %d rows, expected one", len(rows))
	}
	return dialect.Text(rows[0][0]), nil
}
