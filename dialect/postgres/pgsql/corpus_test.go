package pgsql

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

// corpusKinds maps the kinds of the corpus, which are others.
var corpusKinds = map[string][]dialect.Kind{
	"read":  {dialect.Read},
	"write": {dialect.Write},
	"ddl":   {dialect.DDL, dialect.SessionState}, // SessionState: temporary relations
	"txn": {dialect.Begin, dialect.Commit, dialect.Rollback, dialect.Savepoint, dialect.Release, dialect.RollbackTo,
		dialect.Neutral, dialect.Unknown}, // Unknown: two-phase commit and AND CHAIN
	"session":  {dialect.SessionState, dialect.Neutral},
	"other":    {dialect.Neutral},
	"lock":     {dialect.Read, dialect.Neutral},
	"volatile": {dialect.Read},
	"unknown":  {dialect.Unknown},
}

// TestCorpus holds the analysis to testdata/corpus.json: the texts are in
// corpus.sql, each below a line "-- @@ id". No table may be missed, none
// invented, and no write be called a read. Where everything counts as written
// the names do not matter.
func TestCorpus(t *testing.T) {
	data, err := os.ReadFile("testdata/corpus.sql")
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, part := range strings.Split(string(data), "-- @@ ")[1:] {
		id, text, _ := strings.Cut(part, "\n")
		texts[strings.TrimSpace(id)] = text
	}
	var cases []struct {
		ID, Parse                       string
		Kinds, Reads, Writes, Functions []string
	}
	if data, err = os.ReadFile("testdata/corpus.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != len(texts) || len(cases) == 0 {
		t.Fatalf("%d answers for %d texts", len(cases), len(texts))
	}
	for _, c := range cases {
		st := Dialect{}.Parse(texts[c.ID])
		if c.Parse == "err" && st.Kind != dialect.Unknown {
			t.Errorf("%s: %v, want it unknown", c.ID, st.Kind)
		}
		if c.Parse != "ok" {
			continue
		}
		parts := st.Parts
		if parts == nil {
			parts = []*dialect.Statement{st}
		}
		if len(c.Kinds) == 0 && st.Kind == dialect.Neutral {
			continue // an empty text
		}
		if len(parts) != len(c.Kinds) {
			t.Errorf("%s: %d statements, want %d", c.ID, len(parts), len(c.Kinds))
			continue
		}
		named := true
		for i, p := range parts {
			if !slices.Contains(corpusKinds[c.Kinds[i]], p.Kind) {
				t.Errorf("%s: statement %d is %v, want %s:\n%s", c.ID, i, p.Kind, c.Kinds[i], texts[c.ID])
			}
			if (c.Kinds[i] == "volatile" || c.Kinds[i] == "lock") && p.Refuse == "" && !p.Calls {
				t.Errorf("%s: statement %d may be cached", c.ID, i)
			}
			named = named && (p.Kind == dialect.Read || p.Kind == dialect.Write)
		}
		if !named {
			continue
		}
		reads, writes := []string{}, []string{}
		for _, w := range st.Writes {
			writes = append(writes, w.Table.String())
		}
		for _, r := range st.Reads {
			// The corpus names a relation that is read and written once.
			if name := r.String(); slices.Contains(c.Reads, name) || !slices.Contains(writes, name) {
				reads = append(reads, name)
			}
		}
		slices.Sort(reads)
		slices.Sort(writes)
		if !slices.Equal(reads, locals(c.Reads)) || !slices.Equal(writes, locals(c.Writes)) {
			t.Errorf("%s: reads %q writes %q, want %q %q:\n%s", c.ID, reads, writes, c.Reads, c.Writes, texts[c.ID])
		}
		for _, f := range c.Functions {
			if !slices.Contains(st.Functions, strings.TrimPrefix(strings.TrimPrefix(f, "svfop_"), "pg_catalog.")) {
				t.Errorf("%s: functions %q, want %q among them", c.ID, st.Functions, f)
			}
		}
	}
}

// locals drops the name of the database in front of relations: it can only be
// that of this one.
func locals(names []string) []string {
	out := []string{}
	for _, name := range names {
		if parts := strings.Split(name, "."); len(parts) == 3 && !strings.Contains(name, `"`) {
			name = parts[1] + "." + parts[2]
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
