package invalidation

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A record that says everything says besides whether the schema is part of it.
func TestRecordKeepsSchema(t *testing.T) {
	now := time.Now()
	many := make([]string, maxRecord+1)
	for i := range many {
		many[i] = fmt.Sprint("t:", i)
	}
	for _, tt := range []struct{ tags, want []string }{
		{[]string{All}, []string{All}},
		{[]string{All, Schema}, []string{Schema, All}},
		{[]string{Schema, "t:x"}, []string{Schema, "t:x"}},
		{many, []string{All}},
		{append([]string{Schema}, many...), []string{Schema, All}},
	} {
		r := make(record)
		r.add(tt.tags, now)
		if got := r.list(now, nil); !slices.Equal(got, tt.want) {
			t.Errorf("%d tags, %q first: the record says %q, want %q", len(tt.tags), tt.tags[0], got, tt.want)
		}
	}
	later := now.Add(time.Second)
	all, both := announced([]string{All}, later), announced([]string{Schema, All}, later)
	if all.covers([]string{"t:x", Schema}, now) || !all.covers([]string{"t:x", All}, now) || !both.covers([]string{"t:x", Schema}, now) {
		t.Error("a record of everything covers what is not in it, or not what is")
	}
}

// counted starts a fleet that counts how often it is told of the schema.
func counted(t *testing.T, names string, test func(t *testing.T, s *memStore, m []*member, altered func() int64)) {
	var n atomic.Int64
	cfg := nodeConfig
	cfg.Altered = func() { n.Add(1) }
	fleet(t, cfg, names, func(t *testing.T, s *memStore, m []*member) { test(t, s, m, n.Load) })
}

// A node is killed between its DDL and telling of it: the others learn of the
// schema, whatever else the node has written, and also where a tag of the write
// was folded away before it began.
func TestSilentSchemaChange(t *testing.T) {
	ddl := func(m *member) Tags { return Everything().With(m.space.Tags(Schema)) }
	outdated := func(m *member) Tags {
		tags := ddl(m)
		tags.list[0].ver.Store(dead)
		return tags
	}
	for name, tagsOf := range map[string]func(*member) Tags{"DDL": ddl, "with outdated tags": outdated} {
		for _, before := range []Tags{{}, Everything()} {
			counted(t, "ab", func(t *testing.T, s *memStore, m []*member, altered func() int64) {
				a, b := m[0], m[1]
				if !before.Empty() {
					w := a.space.Begin(before)
					w.Announce(t.Context())
					w.End(false)
				}
				w := a.space.Begin(tagsOf(a))
				if err := w.Announce(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				was := altered()
				s.set(func() { a.client.cut = true }) // it commits now, and is killed
				for end := time.Now().Add(nodeConfig.Deadline + 2*nodeConfig.Poll); time.Now().Before(end); time.Sleep(nodeConfig.Poll) {
					b.Touch()
				}
				if altered() == was {
					t.Errorf("%s, after a write of everything %v: a dead writer's schema change is not heard of", name, !before.Empty())
				}
				s.set(func() { a.client.cut = false })
				w.End(false)
			})
		}
	}
}

// A schema change whose hint was lost is heard of although everything was bumped
// since, or much that is folded into everything.
func TestSchemaHeardOfLate(t *testing.T) {
	for name, later := range map[string]func(s *memStore, a *member){
		"everything": func(s *memStore, a *member) {
			w := a.space.Begin(Everything())
			w.End(false)
		},
		"many": func(s *memStore, a *member) {
			var list []*tag
			for i := range defaultLimit + 1 {
				list = append(list, &tag{name: fmt.Sprint("u:", i)})
			}
			w := a.space.Begin(tagsOf(list, false))
			w.End(false)
		},
	} {
		counted(t, "ab", func(t *testing.T, s *memStore, m []*member, altered func() int64) {
			a, b := m[0], m[1]
			s.set(func() { s.noHints = true })
			w := a.space.Begin(a.space.Tags(Schema))
			w.End(false)
			was := altered() // by a, which has it in the reply
			s.set(func() { s.noHints = false })
			later(s, a)
			synctest.Wait()
			if altered() != was {
				t.Fatalf("%s: heard of before the poll: not a test", name)
			}
			b.Touch()
			time.Sleep(2 * nodeConfig.Poll)
			if altered() != was+1 {
				t.Errorf("%s: heard of %d times, want once", name, altered()-was)
			}
		})
	}
}
