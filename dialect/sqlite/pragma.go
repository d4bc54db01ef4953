package sqlite

import (
	"github.com/sqlc-dev/meyer/ast"

	"github.com/querycache/querycache/dialect"
)

// A pragma says what setting it does. Without a value it is a question,
// unless it acts.
type pragma uint8

const (
	// asks: it answers a question, with or without a value.
	asks pragma = iota + 1
	// keeps: the setting changes how the connection works or what a write
	// does, not the rows or columns of a read. That foreign keys and
	// recursive triggers may be off is no matter: the catalog takes them to
	// be on.
	keeps
	// acts: like keeps, and also without a value.
	acts
	// taints: the setting changes the answers of the session.
	taints
	// alters: the setting is one of the database file.
	alters
	// rewrites: like alters, and also without a value.
	rewrites
)

var pragmas = map[string]pragma{
	"collation_list": asks, "compile_options": asks, "data_version": asks,
	"database_list": asks, "foreign_key_check": asks, "foreign_key_list": asks,
	"freelist_count": asks, "function_list": asks, "index_info": asks,
	"index_list": asks, "index_xinfo": asks, "integrity_check": asks,
	"module_list": asks, "page_count": asks, "pragma_list": asks,
	"quick_check": asks, "table_info": asks, "table_list": asks, "table_xinfo": asks,

	"analysis_limit": keeps, "automatic_index": keeps, "busy_timeout": keeps,
	"cache_size": keeps, "cache_spill": keeps, "cell_size_check": keeps,
	"checkpoint_fullfsync": keeps, "defer_foreign_keys": keeps, "foreign_keys": keeps,
	"fullfsync": keeps, "hard_heap_limit": keeps, "ignore_check_constraints": keeps,
	"journal_mode": keeps, "journal_size_limit": keeps, "legacy_alter_table": keeps,
	"locking_mode": keeps, "max_page_count": keeps, "mmap_size": keeps,
	"page_size": keeps, "query_only": keeps, "recursive_triggers": keeps,
	"secure_delete": keeps, "soft_heap_limit": keeps, "synchronous": keeps,
	"temp_store": keeps, "threads": keeps, "wal_autocheckpoint": keeps,

	"optimize": acts, "shrink_memory": acts, "wal_checkpoint": acts,

	"case_sensitive_like": taints, "count_changes": taints,
	"empty_result_callbacks": taints, "full_column_names": taints,
	"read_uncommitted": taints, "reverse_unordered_selects": taints,
	"short_column_names": taints, "temp_store_directory": taints, "trusted_schema": taints,

	"application_id": alters, "auto_vacuum": alters, "default_cache_size": alters,
	"encoding": alters, "schema_version": alters, "user_version": alters,
	"writable_schema": alters,

	"incremental_vacuum": rewrites,
}

// pragma analyses a PRAGMA: "PRAGMA x(y)" is "PRAGMA x = y". One that is not
// in the table may be an extension's, and do anything.
func (w *walker) pragma(n *ast.PragmaStmt) {
	st := w.st
	p := pragmas[dialect.Fold(n.Name.Name.Name)]
	switch {
	case p == asks, !n.HasValue && (p == keeps || p == taints || p == alters):
		st.Kind = dialect.Neutral
	case p == keeps, p == acts:
		st.Kind, st.Effect = dialect.SessionState, dialect.Keeps
	case p == taints:
		st.Kind, st.Effect = dialect.SessionState, dialect.Taints
	case p == alters, p == rewrites:
		st.Kind, st.Effect = dialect.DDL, dialect.Taints
	default:
		*st = *dialect.Opaque(dialect.ReasonUnanalysed)
	}
}
