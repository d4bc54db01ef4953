package pgsql

import "testing"

// A name of users cannot pass for a part of the tree.
func TestTreeNames(t *testing.T) {
	item, err := (&treeParser{text: `({A :name :relid :relid 5 :other \{B\ :relid\ 7\} :list ("x\)" {C :relid 6}) :bits (b 8 9) :value 4 [ 1 0 -61 ]})`}).parse()
	if err != nil || len(item.list) != 1 {
		t.Fatalf("%+v, %v", item, err)
	}
	n := item.list[0].node
	if n.label != "A" || n.word("name") != ":relid" || n.word("relid") != "5" || n.word("other") != `\{B\ :relid\ 7\}` || len(n.nodes("list")) != 1 {
		t.Errorf("%+v", n)
	}
	for _, text := range []string{
		"", "{", "{A", "{A :x", "{A :x}", "{A x 1}", "({A :x 1)", "{A :x 1} {B :y 2}", ")", "{A :x 1}}", "{A :x (1}", "{:x 1}", `{A :x \`,
	} {
		if item, err := parseTree(text); err == nil {
			t.Errorf("%q is %+v", text, item)
		}
	}
}

func TestTreeConstants(t *testing.T) {
	for text, want := range map[string]string{
		"{CONST :consttype 25 :constisnull false :constvalue 6 [ 24 0 0 0 97 98 ]}":   "ab",
		"{CONST :consttype 25 :constisnull false :constvalue 6 [ 0 0 0 6 97 98 ]}":    "ab", // the other order of bytes
		"{CONST :consttype 25 :constisnull false :constvalue 6 [ 24 0 0 0 -61 -92 ]}": "ä",
		"{CONST :consttype 25 :constisnull false :constvalue 4 [ 16 0 0 0 ]}":         "",
		"{CONST :consttype 25 :constisnull false :constvalue 3 [ 7 97 98 ]}":          "-", // a short header
		"{CONST :consttype 25 :constisnull false :constvalue 7 [ 24 0 0 0 97 98 ]}":   "-",
		"{CONST :consttype 25 :constisnull true :constvalue <>}":                      "-",
		"{CONST :consttype 23 :constisnull false :constvalue 6 [ 24 0 0 0 97 98 ]}":   "-",
		"{VAR :consttype 25 :constisnull false :constvalue 6 [ 24 0 0 0 97 98 ]}":     "-",
	} {
		item, err := parseTree(text)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := item.node.constText()
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

// FuzzTree looks for texts that make the reader of trees panic or not end.
func FuzzTree(f *testing.F) {
	f.Add("{CONST :consttype 25 :constisnull false :constvalue 6 [ 24 0 0 0 97 98 ]}")
	f.Add(`({FUNCEXPR :funcid 2077 :args ({VAR :varno 1}) :location -1})`)
	f.Add("(((((((")
	f.Fuzz(func(t *testing.T, text string) {
		l := loader{byOID: map[string]*relation{}, functions: map[string]*stored{}, c: &catalog{}}
		b := l.judge(text)
		if item, err := parseTree(text); err != nil && b.refuse == "" {
			t.Errorf("%q is not understood, and not refused: %+v", text, item)
		}
	})
}
