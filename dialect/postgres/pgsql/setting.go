package pgsql

import (
	"strings"

	"github.com/querycache/querycache/dialect"
)

// set analyses SET and RESET. Settings that are known to change no answer stay
// with the connection; after all others a probe has to tell what it is now,
// also after SET LOCAL: while it holds, names may mean other relations.
func (w *walker) set(m message) {
	w.st.Kind, w.st.Effect = dialect.SessionState, dialect.Taints
	name := strings.ToLower(str(m, "name"))
	switch kind := enum(m, "kind"); {
	case name == "transaction", kind == "VAR_SET_MULTI" && name == "transaction":
		w.st.Kind, w.st.Effect = dialect.Neutral, dialect.NoEffect
	case name == "session characteristics", harmless[name] && kind != "VAR_RESET_ALL":
		w.st.Effect = dialect.Keeps
		if flag(m, "is_local") {
			w.st.Effect = dialect.NoEffect
		}
	}
}

// harmless are settings that change how a statement runs, not what it answers.
var harmless = nameSet(`application_name backend_flush_after client_connection_check_interval
	client_min_messages commit_delay commit_siblings constraint_exclusion cpu_index_tuple_cost
	cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction deadlock_timeout debug_pretty_print
	default_statistics_target default_tablespace default_transaction_isolation
	default_transaction_read_only effective_cache_size effective_io_concurrency enable_async_append
	enable_bitmapscan enable_gathermerge enable_hashagg enable_hashjoin enable_incremental_sort
	enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin
	enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
	enable_partitionwise_aggregate enable_partitionwise_join enable_seqscan enable_sort
	enable_tidscan force_parallel_mode from_collapse_limit geqo geqo_threshold hash_mem_multiplier
	idle_in_transaction_session_timeout idle_session_timeout jit jit_above_cost join_collapse_limit
	lock_timeout log_duration log_min_duration_statement log_min_messages log_statement
	logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem
	max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
	max_stack_depth parallel_leader_participation parallel_setup_cost parallel_tuple_cost
	plan_cache_mode random_page_cost recursive_worktable_factor seq_page_cost statement_timeout
	synchronous_commit tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval
	tcp_user_timeout temp_buffers temp_tablespaces track_activities track_counts track_functions
	track_io_timing transaction_timeout vacuum_cost_delay wal_compression work_mem`)
