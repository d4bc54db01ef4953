package dialect

// callEffect says what the functions that a statement calls may leave in the
// session: nothing if all of them are well known, else anything, as
// set_config, get_lock and functions of the user do.
func callEffect(tokens []Token) Effect {
	for i, t := range tokens {
		switch {
		case t.Text == ":=": // MySQL assigns variables in the midst of a query
			return Taints
		case t.Text != "(" || i == 0:
		case tokens[i-1].Kind == Word:
			if !calm[Fold(tokens[i-1].Text)] {
				return Taints
			}
		case tokens[i-1].Kind == QuotedIdentifier:
			return Taints
		}
	}
	return NoEffect
}

// calm are words that may stand in front of a bracket without changing a
// session on any server: keywords, types, and functions of the SQL standard
// and the common ones of PostgreSQL, MySQL and SQLite.
var calm = wordSet(`
	all and any array as between by case conflict cross distinct else except
	exists filter from group having in index intersect into is join key
	lateral like limit materialized not offset on or over partition recursive
	returning row rows select set sets some table then union update using
	values when where with within
	bigint binary bit char character datetime dec decimal double float int
	integer interval nchar numeric nvarchar real smallint text time timestamp
	timestamptz timetz tinyint varbinary varchar varying
	abs acos asin atan atan2 avg cast ceil ceiling char_length
	character_length coalesce concat concat_ws convert cos count cume_dist
	current_date current_time current_timestamp date date_add date_format
	date_part date_sub date_trunc datediff day degrees dense_rank exp extract
	first_value floor format greatest group_concat grouping hex hour if ifnull
	iif instr isnull json_agg json_array json_build_object json_extract
	json_object jsonb_agg jsonb_build_object julianday lag last_value lcase
	lead least left length ln localtime localtimestamp locate log log10 log2
	lower lpad ltrim max md5 median min minute mod month nth_value ntile now
	nullif nvl octet_length percent_rank percentile_cont percentile_disc pi
	position pow power printf quarter quote radians rank regexp_like
	regexp_replace repeat replace reverse right round row_number rpad rtrim
	second sha1 sha2 sign sin sqrt stddev stddev_pop stddev_samp strftime
	string_agg substr substring sum tan timestampdiff to_char to_date
	to_number to_timestamp total trim trunc truncate typeof ucase unhex
	unixepoch unnest upper var_pop var_samp variance week weekday year zeroblob`)
