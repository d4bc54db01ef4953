package sqlite

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

// corpusKinds maps the kinds of the corpus, which knows fewer.
var corpusKinds = map[string][]dialect.Kind{
	"read":     {dialect.Read},
	"write":    {dialect.Write},
	"ddl":      {dialect.DDL},
	"txn":      {dialect.Begin, dialect.Commit, dialect.Rollback, dialect.Savepoint, dialect.Release, dialect.RollbackTo},
	"session":  {dialect.SessionState, dialect.Neutral}, // Neutral: a PRAGMA that asks
	"other":    {dialect.Neutral},
	"volatile": {dialect.Read, dialect.Unknown}, // Unknown: a function that may do anything
	"unknown":  {dialect.Unknown},
}

// TestCorpus holds the analysis to testdata/corpus.json: the texts are in
// corpus.sql, each below a line "-- @@ id". Kinds and tables are exact.
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
		ID                              string
		Kinds, Reads, Writes, Functions []string
	}
	data, err = os.ReadFile("testdata/corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != len(texts) || len(cases) == 0 {
		t.Fatalf("%d answers for %d texts", len(cases), len(texts))
	}
	for _, c := range cases {
		st := Dialect().Parse(texts[c.ID])
		parts := st.Parts
		if parts == nil {
			parts = []*dialect.Statement{st}
		}
		if len(parts) != len(c.Kinds) {
			t.Errorf("%s: %d statements, want %d", c.ID, len(parts), len(c.Kinds))
			continue
		}
		for i, p := range parts {
			if !slices.Contains(corpusKinds[c.Kinds[i]], p.Kind) {
				t.Errorf("%s: statement %d is %v, want %s", c.ID, i, p.Kind, c.Kinds[i])
			}
			if c.Kinds[i] == "volatile" && p.Refuse == "" {
				t.Errorf("%s: statement %d may be cached", c.ID, i)
			}
		}
		var reads, writes []string
		for _, r := range st.Reads {
			reads = append(reads, r.String())
		}
		for _, w := range st.Writes {
			writes = append(writes, w.Table.String())
		}
		if !slices.Equal(reads, c.Reads) || !slices.Equal(writes, c.Writes) {
			t.Errorf("%s: reads %q writes %q, want %q %q", c.ID, reads, writes, c.Reads, c.Writes)
		}
		for _, f := range c.Functions {
			if !slices.Contains(st.Functions, f) {
				t.Errorf("%s: functions %q, want %q among them", c.ID, st.Functions, f)
			}
		}
	}
}
