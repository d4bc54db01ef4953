package pgsql

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/querycache/querycache/dialect"
)

// settings are those that change what a cacheable read answers, or how the
// text of a statement or an argument is read.
const settings = `'DateStyle', 'IntervalStyle', 'TimeZone', 'timezone_abbreviations', 'array_nulls',
 'bytea_output', 'client_encoding', 'default_text_search_config', 'extra_float_digits', 'lc_messages',
 'lc_monetary', 'lc_numeric', 'lc_time', 'quote_all_identifiers', 'row_security', 'backslash_quote',
 'transform_null_equals', 'xmlbinary', 'xmloption', 'role', 'session_authorization'`

// keyed are the same, in lower case.
var keyed = nameSet(strings.ToLower(strings.NewReplacer("'", "", ",", " ").Replace(settings)))

// probeQuery asks in one round trip who the server and the session are.
const probeQuery = `SELECT %s,
 d.oid::text, session_user::text, current_user::text,
 pg_catalog.array_to_json(pg_catalog.current_schemas(true))::text,
 (pg_catalog.pg_my_temp_schema() <> 0)::text,
 pg_catalog.pg_is_in_recovery()::text,
 (SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user)::text,
 (EXISTS (SELECT 1 FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'advisory')
  OR EXISTS (SELECT 1 FROM pg_catalog.pg_cursors WHERE name <> '')
  OR EXISTS (SELECT 1 FROM pg_catalog.pg_listening_channels()))::text,
 pg_catalog.current_setting('standard_conforming_strings'),
 (SELECT pg_catalog.json_agg(pg_catalog.current_setting(s, true))::text FROM pg_catalog.unnest(ARRAY[` + settings + `]) AS s),
 (SELECT COALESCE(pg_catalog.json_object_agg(name, setting ORDER BY name), '{}')::text FROM pg_catalog.pg_settings
  WHERE source NOT IN ('default', 'override', 'environment variable', 'configuration file', 'command line')
   OR name = 'session_replication_role' AND setting <> 'origin'),
 (EXTRACT(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint::text,
 (SELECT COALESCE(pg_catalog.json_object_agg(s, pg_catalog.current_setting(s, true) ORDER BY s), '{}')::text FROM pg_catalog.unnest(ARRAY[%s]::text[]) AS s),
 COALESCE(pg_catalog.current_schema()::text, '')
FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()`

// Probe implements [dialect.Prober]. The server is a database of a cluster on
// a timeline: after a promotion it is another one.
func (d Dialect) Probe(ctx context.Context, conn driver.Conn) (dialect.Server, dialect.Session, error) {
	return d.ProbeSettings(ctx, conn, nil)
}

// ProbeSettings implements [dialect.SettingProber].
func (Dialect) ProbeSettings(ctx context.Context, conn driver.Conn, names []string) (dialect.Server, dialect.Session, error) {
	row, err := askAny(ctx, conn, names)
	deaf := false
	if len(names) > 0 && (refused(err) || err == nil && !utf8.ValidString(row[14])) {
		// One may not be read, or cannot be told from others: none is known.
		row, err = askAny(ctx, conn, nil)
		deaf = true
	}
	if err != nil {
		return "", dialect.Session{}, err
	}
	key := sessionKey{Bypass: row[8] == "true", User: row[3], Role: row[4], Schema: row[15], Deaf: deaf}
	if err := json.Unmarshal([]byte(row[5]), &key.Schemas); err != nil {
		return "", dialect.Session{}, fmt.Errorf("querycache: pgsql: the search path is not understood: %w", err)
	}
	if err := json.Unmarshal([]byte(row[14]), &key.Asked); err != nil {
		return "", dialect.Session{}, fmt.Errorf("querycache: pgsql: the settings asked for are not understood: %w", err)
	}
	key.Settings = row[11]
	if err := json.Unmarshal([]byte(row[12]), &key.Own); err != nil {
		return "", dialect.Session{}, fmt.Errorf("querycache: pgsql: the settings are not understood: %w", err)
	}
	maps.DeleteFunc(key.Own, func(name, _ string) bool {
		name = strings.ToLower(name)
		return harmless[name] || name == "search_path"
	})
	session := dialect.Session{Key: key.String()}
	switch {
	case row[7] == "true":
		session.Refuse = dialect.ReasonReplica
	case row[10] != "on":
		session.Refuse = dialect.ReasonStrings
	case row[6] == "true":
		session.Refuse = dialect.ReasonTempTable
	case row[9] == "true":
		session.Refuse = dialect.ReasonHolds
	}
	return serverName(row[0], row[1], row[2], row[13]), session, nil
}

// askAny asks who the server is in the ways that there are.
func askAny(ctx context.Context, conn driver.Conn, names []string) (row []string, err error) {
	for _, identity := range identities {
		row, err = ask(ctx, conn, identity, names)
		if !refused(err) {
			break // an answer, or none
		}
	}
	return row, err
}

// refused reports whether the error is the server's.
func refused(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state)
}

func ask(ctx context.Context, conn driver.Conn, identity string, names []string) ([]string, error) {
	literals := make([]string, len(names))
	for i, name := range names {
		literals[i] = "'" + strings.ReplaceAll(name, "'", "''") + "'"
	}
	rows, err := dialect.Query(ctx, conn, fmt.Sprintf(probeQuery, identity, strings.Join(literals, ", ")))
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(rows[0]) != 16 {
		return nil, fmt.Errorf("querycache: pgsql: the probe answered %d rows, expected one", len(rows))
	}
	out := make([]string, len(rows[0]))
	for i, v := range rows[0] {
		out[i] = dialect.Text(v)
	}
	return out, nil
}

// A sessionKey is what of a session changes answers. Its text is the key of a
// [dialect.Session].
type sessionKey struct {
	Schemas  []string // the search path in force, with those that are implied
	Schema   string   // current_schema: pg_catalog is the first of Schemas, named or not
	User     string   // session_user
	Role     string   // current_user
	Bypass   bool     // the role is not subject to row security
	Settings string
	// Asked are the settings that programs make up and policies look at: nil
	// where there is none. Deaf: the server would not tell.
	Asked map[string]*string `json:",omitempty"`
	Deaf  bool               `json:",omitempty"`
	// Own are settings that are not the server's, whatever they do, but for
	// the harmless ones: set by the role, the database, the client or SET.
	Own map[string]string `json:",omitempty"`
}

// replica reports whether rules may be off in the session.
func (k sessionKey) replica() bool { return k.Own["session_replication_role"] != "" }

func (k sessionKey) String() string {
	b, err := json.Marshal(k)
	if err != nil {
		panic("bug: strings and bools do not marshal: " + err.Error())
	}
	return string(b)
}

// parseKey reads a key; an empty one is that of no session.
func parseKey(s string) (k sessionKey) {
	if s != "" {
		// What Probe wrote can be read; a zero key finds no names.
		_ = json.Unmarshal([]byte(s), &k)
	}
	return k
}
