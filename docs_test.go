package querycache_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/querycache/querycache"
)

// pages are what people read first; what they name has to exist.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range append(names, "README.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

// TestPagesNameTests: a promise is held by the test that is named with it.
func TestPagesNameTests(t *testing.T) {
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(text, -1) {
			declared[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for page, text := range pages(t) {
		for _, m := range regexp.MustCompile("`((?:Test|Benchmark)[A-Z]\\w*)`").FindAllStringSubmatch(text, -1) {
			if named++; !declared[m[1]] {
				t.Errorf("%s names %s, which there is not", page, m[1])
			}
		}
	}
	if named == 0 {
		t.Error("no page names a test")
	}
}

// TestPagesLink: a link to a file or to a heading leads there.
func TestPagesLink(t *testing.T) {
	texts := pages(t)
	anchors := func(page string) (all []string) {
		for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(texts[page], -1) {
			all = append(all, strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
		}
		return all
	}
	for page, text := range texts {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, hasAnchor := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			} else if hasAnchor && !slices.Contains(anchors(target), anchor) {
				t.Errorf("%s links to %s, but there is no such heading", page, m[1])
			}
		}
	}
}

// TestPagesHaveConfig: every setting is in the table of settings.
func TestPagesHaveConfig(t *testing.T) {
	text := pages(t)["docs/configuration.md"]
	config := reflect.TypeFor[querycache.Config]()
	for i := range config.NumField() {
		if name := config.Field(i).Name; config.Field(i).IsExported() && !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, "`"+name+".") {
			t.Errorf("Config.%s is missing", name)
		}
	}
	_, _, err := querycache.Environ(func(name string) (string, bool) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s is missing", name)
		}
		return "", false
	})
	if err != nil {
		t.Error(err)
	}
}
