package pgsql

// timeTypeNames are the types whose input knows what time it is.
const timeTypeNames = "date time timetz timestamp timestamptz daterange tsrange tstzrange datemultirange tsmultirange tstzmultirange"

var timeTypes = nameSet(timeTypeNames)

// textual are functions that make a text that nobody sees.
var textual = nameSet(`array_to_string btrim chr concat concat_ws convert_from format initcap left
	lower lpad ltrim overlay regexp_replace repeat replace reverse right rpad rtrim split_part
	string_agg string_to_array substr substring to_char translate unistr upper`)

// composed reports whether an expression is a text that is put together of
// constants: one of columns is what is in a table, in which nobody keeps 'now'.
func composed(m message) bool {
	for m != nil && kindOf(m) == "TypeCast" {
		m = unwrap(child(m, "arg"))
	}
	if m == nil {
		return false
	}
	switch kindOf(m) {
	case "A_Expr":
		op := names(list(m, "name"))
		if len(op) == 0 || op[len(op)-1] != "||" {
			return false
		}
	case "FuncCall":
		f := names(list(m, "funcname"))
		if len(f) == 0 || !textual[f[len(f)-1]] {
			return false
		}
	case "CoalesceExpr", "CaseExpr", "CaseWhen", "MinMaxExpr":
		found := false
		each(m, func(n message) { found = found || composed(n) })
		return found
	default:
		return false
	}
	return !mentionsColumn(m)
}

// isPattern reports whether an expression compares with a constant pattern, as
// LIKE does: that is a text, whatever it says.
func isPattern(m message) bool {
	op := names(list(m, "name"))
	right := unwrap(child(m, "rexpr"))
	return len(op) == 1 && patterns[op[0]] && right != nil && kindOf(right) == "A_Const"
}

var patterns = nameSet(`~~ !~~ ~~* !~~* ~ !~ ~* !~*`)

func mentionsColumn(m message) bool {
	if m = unwrap(m); m == nil {
		return false
	}
	found := kindOf(m) == "ColumnRef"
	each(m, func(n message) { found = found || mentionsColumn(n) })
	return found
}
