package querycache

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/querycache/querycache/dialect"
)

var hintTests = []struct {
	text  string
	want  hint
	wrong string // a part of the error
}{
	{text: "SELECT 1"},
	{text: "SELECT /* cached: ttl=1s */ 1"},
	{text: "SELECT /* the cache: ttl=1s */ 1"},
	{text: "SELECT 'cache: ttl=1s'"},
	{text: "SELECT '/* cache: ttl=1s */'"},
	{text: `SELECT "/* cache: ttl=1s */"`},
	{text: "SELECT 1 -- '\n/* cache: ttl=1s */", want: hint{given: true, ttl: time.Second}},
	{text: "SELECT /* cache: ttl=30s */ 1", want: hint{given: true, ttl: 30 * time.Second}},
	{text: "SELECT /*cache:ttl=30s*/ 1", want: hint{given: true, ttl: 30 * time.Second}},
	{text: "/* cache: ttl=30s */ SELECT 1", want: hint{given: true, ttl: 30 * time.Second}},
	{text: "SELECT 1 -- cache: off", want: hint{given: true, off: true}},
	{text: "-- cache: ttl=1m stale=10s max_rows=500 max_bytes=4096 tables=books,\"My S\".\"T\" tags=tenant:42,x refresh on_write=keep\nSELECT 1", want: hint{
		given: true, ttl: time.Minute, stale: 10 * time.Second, maxRows: 500, maxBytes: 4096,
		tables:  []dialect.Table{{Name: "books"}, {Schema: "My S", Name: "T"}},
		tags:    []string{"tenant:42", "x"},
		refresh: true, keep: true,
	}},
	{text: "SELECT /* cache: tables=Public.Books,\"a,b\",\"q\"\"q\" */ 1", want: hint{given: true,
		tables: []dialect.Table{{Schema: "public", Name: "books"}, {Name: "a,b"}, {Name: `q"q`}}}},
	{text: "SELECT /* @cache-ttl 30 */ 1", want: hint{given: true, ttl: 30 * time.Second}},
	{text: "-- @cache-ttl 30\n-- @cache-max-rows 10\nSELECT 1", want: hint{given: true, ttl: 30 * time.Second, maxRows: 10}},
	{text: "SELECT /* @cache-max-rows 10 */ 1", want: hint{given: true, maxRows: 10}},

	{text: "SELECT /* cache: */ 1", wrong: "empty"},
	{text: "SELECT /* cache: ttl */ 1", wrong: "expected ttl=30s or the like"},
	{text: "SELECT /* cache: ttl = 30s */ 1", wrong: "expected ttl=30s or the like"},
	{text: "SELECT /* cache: ttl=30 */ 1", wrong: "expected ttl=30s or the like"},
	{text: "SELECT /* cache: ttl=-1s */ 1", wrong: "expected ttl=30s or the like"},
	{text: "SELECT /* cache: ttl=0s */ 1", wrong: "expected ttl=30s or the like"},
	{text: "SELECT /* cache: ttl=1s ttl=2s */ 1", wrong: "twice"},
	{text: "SELECT /* cache: ttl=1s */ 1 /* cache: ttl=1s */", wrong: "more than one"},
	{text: "SELECT /* cache: ttl=1s */ 1 /* @cache-ttl 1 */", wrong: "both"},
	{text: "SELECT /* cache: lifetime=1s */ 1", wrong: "unknown"},
	{text: "SELECT /* cache: TTL=1s */ 1", wrong: "unknown"},
	{text: "SELECT /* cache: off=1 */ 1", wrong: "no value"},
	{text: "SELECT /* cache: max_rows=0 */ 1", wrong: "expected a whole number above 0"},
	{text: "SELECT /* cache: max_rows=many */ 1", wrong: "expected a whole number above 0"},
	{text: "SELECT /* cache: tables= */ 1", wrong: "malformed"},
	{text: "SELECT /* cache: tables=a..b */ 1", wrong: "malformed"},
	{text: "SELECT /* cache: tables=a.b.c */ 1", wrong: "malformed"},
	{text: "SELECT /* cache: tables=a,,b */ 1", wrong: "malformed"},
	{text: `SELECT /* cache: tables="a */ 1`, wrong: "malformed"},
	{text: `SELECT /* cache: tables="" */ 1`, wrong: "malformed"},
	{text: "SELECT /* cache: tags=a, */ 1", wrong: "malformed"},
	{text: "SELECT /* cache: on_write=drop */ 1", wrong: "on_write"},
	{text: "SELECT /* @cache-ttl */ 1", wrong: "needs a whole number above 0"},
	{text: "SELECT /* @cache-ttl 30s */ 1", wrong: "expected a whole number above 0"},
	{text: "SELECT /* @cache-ttl 1 @cache-ttl 2 */ 1", wrong: "twice"},
	{text: "SELECT /* @cache-time 1 */ 1", wrong: "unknown"},
}

func TestFindHint(t *testing.T) {
	lex := dialect.Generic().Lexicon()
	for _, tt := range hintTests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := findHint(lex, tt.text)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Fatalf("error %v, want one with %q", err, tt.wrong)
				}
				if got.given {
					t.Error("a hint with a mistake counts as given")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// FuzzHint looks for panics and for hints that say something else when their
// items are written in another order.
func FuzzHint(f *testing.F) {
	for _, tt := range hintTests {
		f.Add(tt.text)
	}
	lex := dialect.Generic().Lexicon()
	f.Fuzz(func(t *testing.T, text string) {
		h, err := findHint(lex, text)
		if err != nil && h.given {
			t.Error("a hint with a mistake counts as given")
		}
		if h.ttl < 0 || h.stale < 0 || h.maxRows < 0 || h.maxBytes < 0 {
			t.Errorf("negative: %+v", h)
		}
		for _, table := range h.tables {
			again, err := parseTable(table.String())
			if err != nil || again != table {
				t.Errorf("table %+v is written %s and read back as %+v, %v", table, table, again, err)
			}
		}
		parsed, err := parseHint(text)
		if err == nil && !parsed.given {
			t.Error("parsed, but not given")
		}
	})
}
