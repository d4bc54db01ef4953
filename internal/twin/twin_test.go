package twin

import "testing"

func TestJudge(t *testing.T) {
	var tab Table
	before := tab.Oldest()
	for value, committed := range map[int64]bool{1: true} {
		tab.Finished(tab.Attempt(value), committed)
	}
	tab.Finished(tab.Attempt(2), false)
	pending := tab.Attempt(3)
	during := tab.Oldest()
	tab.Finished(pending, true)
	after := tab.Oldest()
	for _, test := range []struct {
		value  int64
		oldest int
		want   string
	}{
		{0, before, ""}, {1, before, ""}, {3, before, ""},
		{2, before, "value 2 was rolled back"},
		{4, before, "value 4 was never written"},
		{0, during, "value 0 is 1 writes too old"}, {1, during, ""}, {3, during, ""},
		{1, after, "value 1 is 2 writes too old"}, {3, after, ""},
	} {
		if got := tab.Judge(test.value, test.oldest); got != test.want {
			t.Errorf("value %d, oldest %d: %q, want %q", test.value, test.oldest, got, test.want)
		}
	}
}
