package pgsql

import (
	"errors"
	"strconv"
	"strings"
)

// A treeNode is a node of an expression or a query as the server keeps it
// (pg_node_tree): a label, and fields with values.
type treeNode struct {
	label  string
	fields []treeField
}

// A treeField is a field of a node. Its value is one word, or items.
type treeField struct {
	name, word string
	items      []treeItem
}

// A treeItem is a node, a list, or else a word.
type treeItem struct {
	node *treeNode
	list []treeItem
	word string
}

var errTree = errors.New("querycache: pgsql: a node tree is not understood")

// parseTree reads one item: a node, or a list of them. Every part of the text has
// to be understood. Of fields that are words those are left out that nobody asks
// for, most of them.
func parseTree(text string) (treeItem, error) {
	return (&treeParser{text: text, keep: keptWords}).parse()
}

// keptWords are the fields that are asked for by [treeNode.word], and constvalue.
var keptWords = nameSet(`aggfnoid aggtype casetype coalescetype commandType constisnull consttype
	constvalue element_typeid endInRangeFunc eqop funcid funcresulttype hasForUpdate
	hasModifyingCTE minmaxtype onConflict op opfuncid opresulttype paramtype relid
	resultRelation resulttype returningList rowMarks rtekind securityQuals sortop
	startInRangeFunc tablesample type typeId utilityStmt varattno vartype winfnoid`)

func (p *treeParser) parse() (treeItem, error) {
	item, ok := p.item(0)
	if _, more := p.token(); !ok || more {
		return treeItem{}, errTree
	}
	return item, nil
}

// maxTreeDepth bounds the recursion of the parser.
const maxTreeDepth = 1000

type treeParser struct {
	text string
	at   int
	keep map[string]bool // nil: all
	// open are the fields of the nodes that are being read.
	open []treeField
}

// peek is token without moving on.
func (p *treeParser) peek() (string, bool) {
	before := p.at
	tok, ok := p.token()
	p.at = before
	return tok, ok
}

// token returns the next token, with its escapes, as pg_strtok does: brackets,
// or whatever stands between them and spaces.
func (p *treeParser) token() (string, bool) {
	for p.at < len(p.text) && isTreeSpace(p.text[p.at]) {
		p.at++
	}
	start := p.at
	if start == len(p.text) {
		return "", false
	}
	if isTreeBracket(p.text[start]) {
		p.at++
		return p.text[start:p.at], true
	}
	for p.at < len(p.text) && !isTreeSpace(p.text[p.at]) && !isTreeBracket(p.text[p.at]) {
		if p.text[p.at] == '\\' {
			p.at++
		}
		p.at++
	}
	p.at = min(p.at, len(p.text))
	return p.text[start:p.at], true
}

func isTreeSpace(c byte) bool   { return c == ' ' || c == '\n' || c == '\t' }
func isTreeBracket(c byte) bool { return c == '(' || c == ')' || c == '{' || c == '}' }

func (p *treeParser) item(depth int) (treeItem, bool) {
	tok, ok := p.token()
	if !ok || depth > maxTreeDepth {
		return treeItem{}, false
	}
	switch tok {
	case "}", ")":
		return treeItem{}, false
	case "{":
		n, ok := p.node(depth + 1)
		return treeItem{node: n}, ok
	case "(":
		list := []treeItem{}
		for {
			next, ok := p.peek()
			if !ok {
				return treeItem{}, false
			}
			if next == ")" {
				p.token()
				return treeItem{list: list}, true
			}
			item, ok := p.item(depth + 1)
			if !ok {
				return treeItem{}, false
			}
			list = append(list, item)
		}
	}
	return treeItem{word: tok}, true
}

// node reads what follows an opening brace. The first item after the name of a
// field is its value, whatever it looks like: a name of users may begin with a
// colon.
func (p *treeParser) node(depth int) (*treeNode, bool) {
	label, ok := p.token()
	if !ok || isTreeBracket(label[0]) || label[0] == ':' {
		return nil, false
	}
	n := &treeNode{label: label}
	first := len(p.open)
	for {
		name, ok := p.token()
		if ok && name == "}" {
			n.fields = append(n.fields, p.open[first:]...)
			p.open = p.open[:first]
			return n, true
		}
		if !ok || name[0] != ':' {
			return nil, false
		}
		f := treeField{name: name[1:]}
		item, ok := p.item(depth)
		if !ok {
			return nil, false
		}
		for {
			next, ok := p.peek()
			if !ok {
				return nil, false
			}
			if next == "}" || next[0] == ':' {
				break
			}
			if f.items == nil {
				f.items = append(f.items, item)
			}
			if item, ok = p.item(depth); !ok {
				return nil, false
			}
			f.items = append(f.items, item)
		}
		switch word := item.node == nil && item.list == nil; {
		case f.items != nil:
		case word && (p.keep == nil || p.keep[f.name]):
			f.word = item.word
		case word:
			continue
		default:
			f.items = []treeItem{item}
		}
		p.open = append(p.open, f)
	}
}

// word returns the value of a field that is one word, "" if there is no such
// field, or more than one, or its value is something else.
func (n *treeNode) word(name string) (word string) {
	for _, f := range n.fields {
		if f.name == name {
			if word != "" || f.word == "" {
				return ""
			}
			word = f.word
		}
	}
	return word
}

// items returns the value of a field that is not one word, nil if there is none,
// or more than one.
func (n *treeNode) items(name string) (items []treeItem) {
	for _, f := range n.fields {
		if f.name == name {
			if items != nil {
				return nil
			}
			items = f.items
		}
	}
	return items
}

// nodes returns a field that is a list of nodes.
func (n *treeNode) nodes(name string) (nodes []*treeNode) {
	for _, item := range n.items(name) {
		for _, e := range item.list {
			if e.node != nil {
				nodes = append(nodes, e.node)
			}
		}
	}
	return nodes
}

// constText returns the text that a constant of type text is.
func (n *treeNode) constText() (string, bool) {
	if n.label != "CONST" || n.word("consttype") != textType || n.word("constisnull") != "false" {
		return "", false
	}
	items := n.items("constvalue") // 8 [ 32 0 0 0 97 98 99 100 ]
	if len(items) < 7 || items[1].word != "[" || items[len(items)-1].word != "]" {
		return "", false
	}
	var b strings.Builder
	for _, item := range items[2 : len(items)-1] {
		c, err := strconv.Atoi(item.word) // signed, where char is
		if err != nil || c < -128 || c > 255 {
			return "", false
		}
		b.WriteByte(byte(c))
	}
	s := b.String()
	// In front is the length, headers included, in the order of the server.
	size := uint32(len(s))
	little := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	big := uint32(s[3]) | uint32(s[2])<<8 | uint32(s[1])<<16 | uint32(s[0])<<24
	if items[0].word != strconv.Itoa(len(s)) || little != size<<2 && big != size {
		return "", false
	}
	return s[4:], true
}

const textType = "25"
