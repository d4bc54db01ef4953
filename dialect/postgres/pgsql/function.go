package pgsql

import (
	"strings"

	"github.com/querycache/querycache/dialect"
)

// call records a function and what its name alone means for the statement.
func (w *walker) call(m message) {
	name := names(list(m, "funcname"))
	if len(name) == 0 {
		return
	}
	f := dialect.Table{Name: name[len(name)-1]}
	if len(name) > 1 && name[len(name)-2] != "pg_catalog" {
		f.Schema = name[len(name)-2]
	}
	w.st.Functions = append(w.st.Functions, f.String())
	w.st.Calls = w.st.Calls || f.Schema != "" || !wellKnown(f.Name)
	if f.Schema != "" {
		return
	}
	args := list(m, "args")
	switch effect := sessionCalls[f.Name]; {
	case effect != dialect.NoEffect:
		w.st.Effect = max(w.st.Effect, effect)
		w.vouchless(dialect.ReasonSessionFunc)
	case clock[f.Name], f.Name == "age" && len(args) == 1, timeTypes[f.Name] && len(args) == 1 && composed(args[0]):
		w.refuse(dialect.ReasonClock)
	case volatile[f.Name], runsText[f.Name]:
		w.refuse(dialect.ReasonVolatile)
	case session[f.Name]:
		w.refuse(dialect.ReasonSessionFunc)
	}
}

// wellKnown reports whether the name is that of a built-in function which writes
// nothing. Users may have one of the same name: that is for the catalog to say.
func wellKnown(name string) bool {
	return pure[name] || clock[name] || volatile[name] || session[name] || sessionCalls[name] != dialect.NoEffect || name == "age"
}

// vouchless refuses what nobody can vouch for.
func (w *walker) vouchless(reason dialect.Reason) {
	w.refuse(reason)
	w.st.SingleRead = false
}

// valueFunction records CURRENT_DATE and its like.
func (w *walker) valueFunction(op string) {
	w.st.Functions = append(w.st.Functions, op)
	if strings.HasPrefix(op, "current_date") || strings.HasPrefix(op, "current_time") || strings.HasPrefix(op, "localtime") {
		w.refuse(dialect.ReasonClock)
		return
	}
	w.refuse(dialect.ReasonSessionFunc)
}

// cast refuses casts that look a name up in the catalog, and those that make a
// time of a text nobody sees.
func (w *walker) cast(m message) {
	name := child(m, "type_name")
	if name == nil {
		return
	}
	parts := names(list(name, "names"))
	if len(parts) == 0 {
		return
	}
	last := parts[len(parts)-1]
	if registered[last] {
		w.refuse(dialect.ReasonSessionFunc)
	}
	if timeTypes[last] && composed(unwrap(child(m, "arg"))) {
		w.refuse(dialect.ReasonClock)
	}
}

// typeName records a type: to make a value of it may call functions.
func (w *walker) typeName(m message) {
	parts := names(list(m, "names"))
	if n := len(parts); n > 0 && (n == 1 || parts[0] != "pg_catalog") {
		w.st.Functions = append(w.st.Functions, typeName(parts[n-1]))
	}
}

var registered = nameSet(`regclass regcollation regconfig regdictionary regnamespace
	regoper regoperator regproc regprocedure regrole regtype`)

// constant refuses strings that may mean the current time: 'now'::timestamp.
// Which strings are cast, implicitly at that, is not for the text to tell.
func (w *walker) constant(s string) {
	if SaysNow(s) {
		w.refuse(dialect.ReasonClock)
	}
}

func nameSet(names string) map[string]bool {
	set := make(map[string]bool)
	for _, n := range strings.Fields(names) {
		set[n] = true
	}
	return set
}

// sessionCalls leave something in the session.
var sessionCalls = map[string]dialect.Effect{
	"set_config": dialect.Taints, "set_limit": dialect.Taints,
	"setseed": dialect.Keeps, "setval": dialect.NoEffect,
	"pg_advisory_lock": dialect.Holds, "pg_advisory_lock_shared": dialect.Holds,
	"pg_try_advisory_lock": dialect.Holds, "pg_try_advisory_lock_shared": dialect.Holds,
	"pg_advisory_unlock": dialect.Holds, "pg_advisory_unlock_shared": dialect.Holds,
	"pg_advisory_unlock_all": dialect.Holds,
}

// clock are the functions that know what time it is.
var clock = nameSet(`clock_timestamp now statement_timestamp timeofday transaction_timestamp`)

// volatile are built-in functions that depend on chance or on what is not in
// tables, and write no relation.
var volatile = nameSet(`currval gen_random_uuid lastval lo_close lo_creat lo_create lo_export
	lo_from_bytea lo_get lo_import lo_lseek lo_open lo_put lo_tell lo_truncate lo_unlink
	loread lowrite nextval pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_cancel_backend
	pg_notify pg_read_binary_file pg_read_file pg_sleep pg_sleep_for pg_sleep_until pg_stat_file
	pg_terminate_backend pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared random
	random_normal setval txid_current txid_current_if_assigned pg_current_xact_id uuidv4 uuidv7`)

// runsText are functions, built in or of extensions, that run the text of a
// statement, or read views, which may call anything.
var runsText = nameSet(`connectby crosstab crosstab2 crosstab3 crosstab4 cursor_to_xml
	cursor_to_xmlschema database_to_xml database_to_xml_and_xmlschema database_to_xmlschema
	query_to_xml query_to_xml_and_xmlschema query_to_xmlschema schema_to_xml
	schema_to_xml_and_xmlschema schema_to_xmlschema table_to_xml table_to_xml_and_xmlschema
	table_to_xmlschema ts_rewrite ts_stat xpath_table`)

// session are built-in functions that tell of the session or the server.
var session = nameSet(`col_description current_database current_query current_schema
	current_schemas current_setting format_type has_any_column_privilege has_column_privilege
	has_database_privilege has_function_privilege has_schema_privilege has_sequence_privilege
	has_table_privilege inet_client_addr inet_client_port inet_server_addr inet_server_port
	obj_description pg_backend_pid pg_blocking_pids pg_client_encoding pg_conf_load_time
	pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_size pg_get_constraintdef
	pg_get_functiondef pg_get_indexdef pg_get_viewdef pg_has_role pg_indexes_size
	pg_is_in_recovery pg_listening_channels pg_my_temp_schema pg_postmaster_start_time
	pg_relation_size pg_size pg_table_is_visible pg_table_size pg_total_relation_size pg_typeof
	row_security_active shobj_description to_regclass to_regnamespace to_regproc
	to_regprocedure to_regrole to_regtype version`)

// pure are built-in functions whose result depends on their arguments and on
// settings that are part of the session's key, the time zone among them. The
// catalog has the last word: functions of users may have the same name.
var pure = nameSet(`
	abs acos acosd acosh any_value area array_agg array_append array_cat array_dims array_fill
	array_length array_lower array_ndims array_position array_positions array_prepend
	array_remove array_replace array_to_json array_to_string array_to_tsvector
	array_upper ascii asin asind asinh atan atan2 atan2d atand atanh avg bit bit_and bit_count
	bit_length bit_or bit_xor bool bool_and bool_or box bpchar broadcast btrim cardinality cbrt
	ceil ceiling center char char_length character_length chr cidr circle concat concat_ws
	convert convert_from convert_to corr cos cosd cosh cot cotd count covar_pop covar_samp
	cume_dist date date_bin date_part date_trunc datemultirange daterange decode degrees
	dense_rank diagonal diameter div encode every exp extract factorial family first_value float4
	float8 floor format gcd generate_series generate_subscripts get_bit get_byte height host
	hostmask initcap int2 int4 int4multirange int4range int8 int8multirange int8range interval
	is_normalized isclosed isempty isfinite isopen json_agg json_array_elements
	json_array_elements_text json_array_length json_build_array json_build_object json_each
	json_each_text json_extract_path json_extract_path_text json_object json_object_agg
	json_object_keys json_populate_record json_populate_recordset json_strip_nulls json_to_record
	json_to_recordset json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text
	jsonb_array_length jsonb_build_array jsonb_build_object jsonb_concat jsonb_contains
	jsonb_delete jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any
	jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg
	jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
	jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set
	jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof justify_days
	justify_hours justify_interval lag last_value lcm lead left length like_escape ln log log10
	lower lower_inc lower_inf lpad lseg ltrim macaddr macaddr8_set7bit make_date make_interval
	make_time make_timestamp make_timestamptz masklen max md5 min min_scale mod mode multirange
	netmask network normalize npoints nth_value ntile num_nonnulls num_nulls numeric nummultirange
	numnode numrange octet_length overlaps overlay parse_ident path pclose percent_rank
	percentile_cont percentile_disc phraseto_tsquery pi plainto_tsquery point polygon popen
	position pow power querytree quote_ident quote_literal quote_nullable radians radius range_agg
	range_intersect_agg range_merge rank regexp_count regexp_instr regexp_like regexp_match
	regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr
	regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
	repeat replace reverse right round row_number row_to_json rpad rtrim scale set_bit set_byte
	set_masklen setweight sha224 sha256 sha384 sha512 sign similar_escape similar_to_escape sin
	sind sinh slope split_part sqrt starts_with stddev stddev_pop stddev_samp string_agg
	string_to_array string_to_table strip strpos substr substring sum tan tand tanh text textlen
	time timestamp timestamptz timetz timezone to_ascii to_char to_date to_hex to_json to_jsonb
	to_number to_timestamp to_tsquery to_tsvector translate trim_array trim_scale trunc ts_delete
	ts_filter ts_headline ts_rank ts_rank_cd tsmultirange tsquery_phrase tsrange tstzmultirange
	tstzrange tsvector_to_array unistr unnest upper upper_inc upper_inf var_pop var_samp varbit
	varchar variance websearch_to_tsquery width width_bucket xmlagg xmlcomment xpath xpath_exists`)
