package pgsql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/querycache/querycache/dialect"
)

// A body is what an expression or a query that the server keeps depends on,
// besides its arguments and what every session's key holds.
type body struct {
	relations []*relation
	// settings are the names of those that programs make up.
	settings []string
	// loose: it calls what a statement may call, but what one session's rows
	// must not be kept from another's by: immutable functions of users, which
	// are only said to be that, and built-in ones that look at settings.
	loose bool
	// refuse is why it may depend on more; what else is known is then not
	// complete.
	refuse dialect.Reason
	// writes and taints: what it calls, and is not followed, may do so.
	writes, taints bool
}

// A stored is a function as it may be called in the trees of the catalog.
type stored struct {
	schema     string
	name       string
	builtIn    bool
	volatility byte
	// changes: it runs with the rights or the settings of somebody else.
	changes bool
	// writes and taints: it may do so.
	writes, taints bool
	tree           keptTree // of a body in standard SQL
	defaults       keptTree // of arguments that may be left out
}

// A judge finds out what trees depend on. Whatever it does not know well makes
// it refuse: a node that is newer than it, a function, a type.
type judge struct {
	functions map[string]*stored
	relations map[string]*relation
	body      *body
}

// judge returns what a tree depends on.
func (l *loader) judge(tree string) *body {
	j := judge{functions: l.functions, relations: l.byOID, body: new(body)}
	item, err := parseTree(tree)
	if err != nil {
		j.refuse(dialect.ReasonUnanalysed)
		return j.body
	}
	j.item(item)
	return j.body
}

func (j *judge) refuse(reason dialect.Reason) { j.body.refuse = j.body.refuse.Or(reason) }

func (j *judge) item(item treeItem) {
	if item.node != nil {
		j.node(item.node)
	}
	for _, e := range item.list {
		j.item(e)
	}
}

// plainNodes call nothing by themselves and depend on nothing but what stands in
// them.
var plainNodes = nameSet(`ALIAS BOOLEANTEST BOOLEXPR CASEEXPR CASETESTEXPR CASEWHEN COALESCEEXPR
	COMMONTABLEEXPR CONST FIELDSELECT FROMEXPR JOINEXPR NULLTEST PARAM RANGETBLFUNCTION RANGETBLREF
	RELABELTYPE RTEPERMISSIONINFO SETOPERATIONSTMT SUBLINK TARGETENTRY`)

func (j *judge) node(n *treeNode) {
	switch n.label {
	case "VAR":
		if ofLocksNumbers[n.word("varattno")] {
			j.refuse(dialect.ReasonVolatile)
		}
	case "FUNCEXPR":
		j.call(n.word("funcid"), n)
	case "AGGREF":
		j.call(n.word("aggfnoid"), n)
	case "WINDOWFUNC":
		j.call(n.word("winfnoid"), n)
	case "OPEXPR", "DISTINCTEXPR", "NULLIFEXPR", "SCALARARRAYOPEXPR":
		j.call(n.word("opfuncid"), n)
	case "SORTGROUPCLAUSE":
		j.builtIn(n.word("eqop"))
		j.builtIn(n.word("sortop"))
	case "WINDOWCLAUSE":
		j.none(n, "startInRangeFunc", "endInRangeFunc")
	case "ARRAYEXPR":
		j.builtIn(n.word("element_typeid"))
	case "MINMAXEXPR":
		j.builtIn(n.word("minmaxtype"))
	case "ARRAYCOERCEEXPR": // what it does to each element is a node in it
	case "COERCEVIAIO":
		if !plainTypes[n.word("resulttype")] {
			j.refuse(dialect.ReasonClock) // a time reads 'now', a name the search path
		}
		if from := typeOf(n.items("arg")); !plainTypes[from] && !momentTypes[from] {
			j.refuse(dialect.ReasonUnknownFunc)
		}
	case "SQLVALUEFUNCTION":
		switch n.word("op") {
		case "9", "10", "11", "12", "13", "14": // users, database and schema, all in the key
		default:
			j.refuse(dialect.ReasonClock)
		}
	case "QUERY":
		j.query(n)
	case "RANGETBLENTRY":
		j.entry(n)
	default:
		if !plainNodes[n.label] {
			j.refuse(dialect.ReasonUnknownFunc)
			return
		}
	}
	for _, f := range n.fields {
		for _, item := range f.items {
			j.item(item)
		}
	}
}

// none refuses unless each of the fields is there and empty.
func (j *judge) none(n *treeNode, fields ...string) {
	for _, name := range fields {
		switch n.word(name) {
		case "<>", "0", "false":
		default:
			j.refuse(dialect.ReasonUnanalysed)
		}
	}
}

func (j *judge) query(n *treeNode) {
	if n.word("commandType") != "1" {
		j.refuse(dialect.ReasonVolatile)
	}
	j.none(n, "utilityStmt", "resultRelation", "hasModifyingCTE", "hasForUpdate", "rowMarks", "returningList", "onConflict")
}

// Kinds of entries of a range table.
const (
	entryRelation = "0"
	entryFunction = "3"
)

var plainEntries = nameSet("0 1 2 3 5 6 8") // a relation, a query, a join, a function, VALUES, a CTE, nothing

func (j *judge) entry(n *treeNode) {
	kind := n.word("rtekind")
	if !plainEntries[kind] {
		j.refuse(dialect.ReasonUnknownTable)
	}
	j.none(n, "securityQuals")
	oid := n.word("relid")
	if kind == entryRelation {
		j.none(n, "tablesample")
	}
	switch rel := j.relations[oid]; {
	case rel != nil:
		if !slices.Contains(j.body.relations, rel) {
			j.body.relations = append(j.body.relations, rel)
		}
	case kind == entryRelation, oid != "" && oid != "0": // newer than the catalog, or temporary
		j.refuse(dialect.ReasonUnknownTable)
	}
}

// callFields hold the functions that nodes call.
var callFields = []string{"funcid", "aggfnoid", "winfnoid", "opfuncid"}

// called collects the functions that stand in a text that is a tree.
func (l *loader) called(tree string) {
	eachField(tree, func(field string) {
		for _, oid := range l.addWord(nil, calledIn(field)) {
			l.functions[oid] = nil
		}
	})
}

// call judges a function that is called.
func (j *judge) call(oid string, n *treeNode) {
	f := j.functions[oid]
	if f == nil {
		j.refuse(dialect.ReasonUnknownFunc)
		return
	}
	j.merge(&f.defaults) // those that are left out are not in the tree
	switch {
	case f.changes || f.volatility == 'v':
		j.opaque(f.writes, f.taints)
	case f.builtIn && f.name == "current_setting":
		j.setting(n.nodes("args"))
	case f.builtIn && (f.volatility == 'i' || roleFunctions[f.name]):
	case f.builtIn && pure[f.name] && !recordFunctions[f.name]:
		j.body.loose = true
	case f.builtIn:
		j.opaque(f.writes, f.taints)
	case f.tree.text != "":
		j.merge(&f.tree)
	case f.volatility == 'i':
		j.body.loose = true
	default:
		j.opaque(f.writes, f.taints)
	}
}

// opaque refuses a function that is not followed.
func (j *judge) opaque(writes, taints bool) {
	j.refuse(dialect.ReasonUnknownFunc)
	j.body.writes, j.body.taints = j.body.writes || writes, j.body.taints || taints
}

// roleFunctions depend on the user, and on what the catalog says of roles.
var roleFunctions = nameSet("current_user getpgusername pg_has_role session_user")

// recordFunctions make values of all types out of texts, times among them.
var recordFunctions = nameSet(`json_populate_record json_populate_recordset json_to_record json_to_recordset
	jsonb_populate_record jsonb_populate_recordset jsonb_to_record jsonb_to_recordset`)

// setting judges a call of current_setting: the name has to be known.
func (j *judge) setting(args []*treeNode) {
	if len(args) == 0 || len(args) > 2 || len(args) == 2 && args[1].label != "CONST" {
		j.refuse(dialect.ReasonSessionFunc)
		return
	}
	name, ok := args[0].constText()
	switch {
	case !ok:
		j.refuse(dialect.ReasonSessionFunc)
	case keyed[strings.ToLower(name)]:
	case madeUp.MatchString(name):
		j.add(name)
	default:
		j.refuse(dialect.ReasonSessionFunc)
	}
}

// madeUp are names of settings that no server has of its own. Of others some
// may not be read by everybody.
var madeUp = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)+$`)

func (j *judge) add(name string) {
	if len(name) > 128 {
		j.refuse(dialect.ReasonSessionFunc)
		return
	}
	if !slices.Contains(j.body.settings, name) {
		j.body.settings = append(j.body.settings, name)
	}
}

// builtIn refuses types and operators of users, which may call anything.
func (j *judge) builtIn(oid string) {
	if !isBuiltIn(oid) {
		j.refuse(dialect.ReasonUnknownFunc)
	}
}

// isBuiltIn reports whether a number is that of something that the server was
// born with.
func isBuiltIn(oid string) bool {
	n, err := strconv.ParseUint(oid, 10, 32)
	return err == nil && n < 16384
}

// typeOf returns the type of the only node of a value, "" if it is not known.
func typeOf(items []treeItem) string {
	if len(items) != 1 || items[0].node == nil {
		return ""
	}
	n := items[0].node
	return n.word(typeFields[n.label])
}

var typeFields = map[string]string{
	"VAR": "vartype", "CONST": "consttype", "PARAM": "paramtype", "FUNCEXPR": "funcresulttype", "OPEXPR": "opresulttype",
	"NULLIFEXPR": "opresulttype", "COALESCEEXPR": "coalescetype", "CASEEXPR": "casetype", "CASETESTEXPR": "typeId",
	"RELABELTYPE": "resulttype", "COERCEVIAIO": "resulttype", "SQLVALUEFUNCTION": "type", "AGGREF": "aggtype",
}

// plainTypes are built-in types whose texts mean the same in all sessions with
// the same key: bool, bytea, char, name, integers, text, oid, json, floats, addresses,
// bpchar, varchar, numeric, uuid, jsonb, and arrays of some.
var plainTypes = nameSet(`16 17 18 19 20 21 23 25 26 114 650 700 701 869 1042 1043 1700 2950 3802
	1000 1005 1007 1009 1015 1016 1231 2951`)

// momentTypes may become texts, as the time zone and the style of dates in the
// key say: date, time, timestamp, timestamptz, interval.
var momentTypes = nameSet("1082 1083 1114 1184 1186")
