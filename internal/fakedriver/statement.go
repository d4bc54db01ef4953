package fakedriver

import (
	"database/sql/driver"
	"regexp"
	"strconv"
	"strings"
)

type kind int

const (
	selectRows kind = iota
	insertRow
	updateRows
	deleteRows
	begin
	commit
	rollback
	setTenant
	special
)

// A statement is a text as parsed.
type statement struct {
	kind      kind
	table     string
	name      string // what a special SELECT asks for
	list      string // what it has in parentheses
	id, v     *operand
	returning bool
	inputs    int // parameters
}

// An operand is a literal or a parameter.
type operand struct {
	literal driver.Value
	index   int // of the parameter, counted from 0; -1: a literal
	name    string
}

const value = `\?|@\w+|-?\d+|'[^']*'|NULL`

// forms are the statements; what is in them is named by its group.
var forms = []struct {
	kind    kind
	pattern *regexp.Regexp
}{
	{selectRows, form(`SELECT \* FROM (?P<table>\w+)(?: WHERE id = (?P<id>V))?`)},
	{insertRow, form(`INSERT INTO (?P<table>\w+) VALUES \((?P<id>V), (?P<v>V)\)(?P<returning> RETURNING \*)?`)},
	{updateRows, form(`UPDATE (?P<table>\w+) SET v = (?P<v>V)(?: WHERE id = (?P<id>V))?(?P<returning> RETURNING \*)?`)},
	{deleteRows, form(`DELETE FROM (?P<table>\w+)(?: WHERE id = (?P<id>V))?`)},
	{begin, form(`BEGIN`)},
	{commit, form(`COMMIT`)},
	{rollback, form(`ROLLBACK`)},
	{setTenant, form(`SET tenant = (?P<v>V)`)},
	{special, form(`SELECT (?P<name>\w+)(?:\((?P<list>[^)]*)\))?(?: FROM \w+)?`)},
}

func form(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, "V)", value+")") + "$")
}

var (
	comments = regexp.MustCompile(`(?s)/\*.*?\*/|--[^\n]*`)
	values   = regexp.MustCompile(value)
)

// normal returns a text without comments and needless space.
func normal(text string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(comments.ReplaceAllString(text, " ")), " "), ";")
}

func parse(text string) (*statement, error) {
	text = normal(text)
	for _, f := range forms {
		at := f.pattern.FindStringSubmatchIndex(text)
		if at == nil {
			continue
		}
		st := &statement{kind: f.kind}
		for i, group := range f.pattern.SubexpNames() {
			start, end := at[2*i], at[2*i+1]
			if start < 0 {
				continue
			}
			switch found := text[start:end]; group {
			case "table":
				st.table = found
			case "name":
				st.name = found
			case "list":
				st.list = found
			case "returning":
				st.returning = true
			case "id":
				st.id = newOperand(found, parameters(text[:start]))
			case "v":
				st.v = newOperand(found, parameters(text[:start]))
			}
		}
		st.inputs = parameters(text)
		return st, nil
	}
	return nil, &Error{"syntax error in " + strconv.Quote(text)}
}

// parameters counts them in a text.
func parameters(text string) int {
	n := 0
	for _, v := range values.FindAllString(text, -1) {
		if v[0] == '?' || v[0] == '@' {
			n++
		}
	}
	return n
}

func newOperand(text string, before int) *operand {
	switch {
	case text == "?":
		return &operand{index: before}
	case text[0] == '@':
		return &operand{index: before, name: text[1:]}
	case text == "NULL":
		return &operand{index: -1}
	case text[0] == '\'':
		return &operand{index: -1, literal: text[1 : len(text)-1]}
	}
	n, _ := strconv.ParseInt(text, 10, 64)
	return &operand{index: -1, literal: n}
}

// bind returns the operand's value; args are as many as the parameters.
func (o *operand) bind(args []driver.NamedValue) (driver.Value, error) {
	switch {
	case o.index < 0:
		return o.literal, nil
	case o.name == "":
		return args[o.index].Value, nil
	}
	for _, a := range args {
		if a.Name == o.name {
			return a.Value, nil
		}
	}
	return nil, &Error{"no argument is named " + o.name}
}
