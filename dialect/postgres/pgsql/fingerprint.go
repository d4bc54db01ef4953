package pgsql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/querycache/querycache/dialect"
)

var (
	_ dialect.Fingerprinter = Dialect{}
	_ dialect.Guarded       = (*catalog)(nil)
)

// rolesSum sums up the roles, whose table not everybody may read.
const rolesSum = `(SELECT pg_catalog.concat(count(*), '.', sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ',
  oid, rolname, rolsuper, rolinherit, rolbypassrls, pg_catalog.array_to_string(rolconfig, ',')), 0))) FROM pg_catalog.pg_roles)`

// configuration says when the server last read its configuration: that may have
// changed what sessions that are open mean by a name, and may see. A connection
// just opened has the time of the server, others follow in a moment.
const configuration = `pg_catalog.date_part('epoch', pg_catalog.pg_conf_load_time())`

// fingerprintQuery sums up which transactions wrote the rows of the catalog that
// [Dialect.Load] reads, or that answers depend on: a row that is new, changed or
// gone shows in it.
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
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_event_trigger),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_amproc),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_inherits),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_constraint),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_attrdef),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_extension),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_policy),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_auth_members),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_enum),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_ts_config),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_ts_config_map),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_ts_dict),
 ` + configuration + `,
 ` + rolesSum + `)`

// guardQuery sums up who may see what: rights, owners, row security and roles.
// Where no rights were granted, an owner who is a superuser has none to lose. It
// also sums up what sessions are known by: a name of the search path that becomes
// that of another schema makes another session of one, as may the server's configuration.
const guardQuery = `SELECT pg_catalog.concat_ws(' ',
 (SELECT pg_catalog.concat(count(*), '.', sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ',
   oid, relowner, relrowsecurity, relforcerowsecurity, relacl::text, CASE relkind WHEN 'v' THEN reloptions::text END), 0))) FROM pg_catalog.pg_class
  WHERE relpersistence <> 't' AND relkind IN ('r', 'v', 'm', 'f', 'p')
   AND (relacl IS NOT NULL OR relrowsecurity OR relowner NOT IN (SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper))),
 (SELECT pg_catalog.concat(count(*), '.', sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ',
   attrelid, attnum, attacl::text), 0))) FROM pg_catalog.pg_attribute WHERE attacl IS NOT NULL),
 (SELECT pg_catalog.concat(count(*), '.', sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ',
   oid, nspname, nspowner, nspacl::text), 0))) FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'),
 (SELECT pg_catalog.concat(count(*), '.', sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ',
   oid, proowner, proacl::text, prosecdef), 0))) FROM pg_catalog.pg_proc WHERE proacl IS NOT NULL),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_policy),
 (SELECT pg_catalog.concat(count(*), '.', sum(xmin::text::int8)) FROM pg_catalog.pg_auth_members),
 ` + configuration + `,
 ` + rolesSum + `)`

// Guard implements [dialect.Guarded].
func (c *catalog) Guard() string { return c.guard }

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
