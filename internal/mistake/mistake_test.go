package mistake

import "testing"

func TestMistakes(t *testing.T) {
	seen := make(map[string]bool)
	for m := Mistake(1); m < last; m <<= 1 {
		if names[m] == "" || seen[m.String()] {
			t.Errorf("%v has no name of its own", m)
		}
		seen[m.String()] = true
		if Made(m) {
			t.Errorf("%v: made by nobody", m)
		}
		undo := Make(m)
		for other := Mistake(1); other < last; other <<= 1 {
			if Made(other) != (other == m) {
				t.Errorf("while %v is made, %v: %t", m, other, Made(other))
			}
		}
		undo()
		if Made(m) {
			t.Errorf("%v: still made", m)
		}
	}
	if got := last.String(); got != "mistake 0x400" {
		t.Error(got)
	}
}
