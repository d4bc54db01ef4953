package checker

import (
	"reflect"
	"testing"
)

func TestWhole(t *testing.T) {
	var w Whole
	for i := range 3 {
		w.Add(i, "x")
	}
	first := func(n int) (d Digest) {
		for i := range n {
			d.Add(i, "x")
		}
		return d
	}
	var other, swapped, longer Digest
	other.Add(0, "y")
	swapped.Add(1, "x")
	swapped.Add(0, "x")
	longer = first(3)
	longer.Add(3, "x")
	for name, tt := range map[string]struct {
		Extract
		want []Kind
	}{
		"whole":                      {Extract: Extract{Digest: first(3)}},
		"none":                       {Extract{}, []Kind{Partial}},
		"two":                        {Extract{Digest: first(2)}, []Kind{Partial}},
		"two, wanted no more":        {Extract: Extract{Digest: first(2), Left: true}},
		"two, and an error":          {Extract: Extract{Digest: first(2), Err: "e", May: []string{"d", "e"}}},
		"two, and another error":     {Extract{Digest: first(2), Err: "x", May: []string{"d", "e"}}, []Kind{WrongError}},
		"all, and another error":     {Extract{Digest: first(3), Err: "x"}, []Kind{WrongError}},
		"another row":                {Extract{Digest: other, Left: true}, []Kind{Mixed}},
		"two in another order":       {Extract{Digest: swapped, Left: true}, []Kind{Mixed}},
		"one more":                   {Extract{Digest: longer}, []Kind{Mixed}},
		"another row, and no others": {Extract{Digest: other}, []Kind{Mixed, Partial}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []Kind
			for _, v := range w.Judge(tt.Extract) {
				got = append(got, v.Kind)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if w.Rows() != 3 {
		t.Errorf("%d rows", w.Rows())
	}
}
