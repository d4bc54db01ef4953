package querycache_test

import (
	"strings"
	"testing"

	"github.com/querycache/querycache"
)

func TestWritesAreChecked(t *testing.T) {
	for _, test := range []struct {
		function string
		tables   []string
		wrong    string
	}{
		{"public.audit", []string{"public.audit_log"}, ""},
		{"public.audit", nil, ""},
		{"public.audit()", []string{"audit_log"}, ""},
		{`"My S"."f(x)"(integer, text)`, []string{`"T"`}, ""},
		{"audit", nil, "the function is malformed"},
		{"", nil, "the function is malformed"},
		{"a.b.c", nil, "the function is malformed"},
		{"public.audit(", nil, "the function is malformed"},
		{"public.audit() ", nil, "the function is malformed"},
		{"public.audit", []string{"public.audit_log, other"}, "table"},
		{"public.audit", []string{""}, "table"},
	} {
		cache, err := querycache.New(querycache.Config{Writes: map[string][]string{test.function: test.tables}})
		if err == nil {
			cache.Close()
		}
		if (err == nil) != (test.wrong == "") || err != nil && (!strings.Contains(err.Error(), test.wrong) || !strings.Contains(err.Error(), "Config.Writes[")) {
			t.Errorf("%q: %q: %v, want %q", test.function, test.tables, err, test.wrong)
		}
	}
}
