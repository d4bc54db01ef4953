package sqlite

import (
	"strings"

	"github.com/querycache/querycache/dialect"
)

// pure are SQLite's own functions whose result depends on their arguments
// alone, or on the version of SQLite. "like", "glob" and the arrows are
// called by operators.
var pure = nameSet(`
	-> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char
	coalesce concat concat_ws cos cosh count cume_dist degrees dense_rank exp
	first_value floor format glob group_concat hex if ifnull iif instr json
	json_array json_array_insert json_array_length json_error_position
	json_extract json_group_array json_group_object json_insert json_object
	json_patch json_pretty json_quote json_remove json_replace json_set
	json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract
	jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch
	jsonb_remove jsonb_replace jsonb_set lag last_value lead length like
	likelihood likely ln log log10 log2 lower ltrim max median min mod
	nth_value ntile nullif octet_length percent_rank percentile
	percentile_cont percentile_disc pi pow power printf quote radians rank
	replace round row_number rtrim sign sin sinh soundex
	sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id
	sqlite_version sqrt string_agg substr substring subtype sum tan tanh total
	trim trunc typeof unhex unicode unistr unistr_quote unlikely upper zeroblob`)

// clock are the functions that know "now" and the local time zone.
var clock = nameSet(`current_date current_time current_timestamp date datetime
	julianday strftime time timediff unixepoch`)

// volatile are the functions whose result depends on chance, on the
// connection's past or on where a row is stored.
var volatile = nameSet(`changes last_insert_rowid random randomblob sqlite_log
	sqlite_offset total_changes`)

// mighty are the functions, some of them from SQLite's extensions, that may
// do anything: run code or SQL, write files.
var mighty = nameSet(`edit eval fts3_tokenizer load_extension writefile`)

// tableFunctions are the table-valued functions that read nothing but their
// arguments.
var tableFunctions = nameSet(`json_each json_tree jsonb_each jsonb_tree`)

func nameSet(names string) map[string]bool {
	set := make(map[string]bool)
	for _, n := range strings.Fields(names) {
		set[n] = true
	}
	return set
}

// isSystem reports whether a name is one that SQLite keeps for itself.
func isSystem(name string) bool {
	return strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "pragma_") ||
		name == "dbstat" || name == "bytecode" || name == "tables_used"
}

// functionReason says why a function forbids caching, as far as the text can
// tell; functions that are not SQLite's own are the catalog's business.
func functionReason(name string) dialect.Reason {
	switch {
	case clock[name]:
		return dialect.ReasonClock
	case volatile[name], mighty[name]:
		return dialect.ReasonVolatile
	}
	return ""
}
