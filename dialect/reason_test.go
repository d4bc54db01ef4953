package dialect

import "testing"

func TestFirmReasonsCount(t *testing.T) {
	for _, c := range []struct{ first, second, want Reason }{
		{"", "", ""},
		{"", ReasonClock, ReasonClock},
		{ReasonClock, "", ReasonClock},
		{ReasonClock, ReasonVolatile, ReasonClock},
		{ReasonUnknownFunc, ReasonRowSecurity, ReasonRowSecurity},
		{ReasonRowSecurity, ReasonUnknownFunc, ReasonRowSecurity},
		{ReasonSessionFunc, ReasonRowSecurity, ReasonSessionFunc},
		{ReasonNotRead, ReasonRowSecurity, ReasonNotRead},
	} {
		if got := c.first.Or(c.second); got != c.want {
			t.Errorf("%q, then %q: %q is kept, want %q", c.first, c.second, got, c.want)
		}
	}
}
