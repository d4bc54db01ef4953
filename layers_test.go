package querycache_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/querycache/querycache"

// layers says what each package may import of this module and of others, test
// files aside. Arrows point down; siblings do not import siblings.
var layers = map[string]struct {
	own, third []string
	why        string
}{
	"": {
		own:   []string{"local", "remote", "invalidation", "stampede", "dialect", "internal/wrap", "internal/resultset", "internal/mistake"},
		third: nil,
		why:   "the root composes; it must not make every user link a parser or a database driver",
	},
	"local":               {third: []string{"github.com/maypok86/otter/v2"}, why: "the only room of otter"},
	"invalidation":        {own: []string{"internal/mistake"}, why: "knows no SQL and no network"},
	"stampede":            {why: "standard library only"},
	"dialect":             {why: "what the core has to know, without a parser"},
	"internal/wrap":       {why: "knows no cache"},
	"remote":              {own: []string{"internal/mistake"}, third: []string{"github.com/redis/go-redis/v9"}, why: "the only room of the Redis client"},
	"internal/resultset":  {own: []string{"internal/mistake"}, third: []string{"github.com/klauspost/compress"}, why: "knows no cache"},
	"internal/twin":       {why: "judges what a test saw"},
	"internal/busy":       {why: "standard library only"},
	"internal/mistake":    {why: "standard library only; asked by all that can be wrong"},
	"internal/fakedriver": {why: "stands for a driver, which knows nothing of this module"},
	"dialect/sqlite": {
		own:   []string{"", "dialect"},
		third: []string{"github.com/sqlc-dev/meyer", "modernc.org/sqlite", "golang.org/x/sys/unix"},
		why:   "the only room of the SQLite parser and driver",
	},
	"dialect/postgres/pgsql": {
		own:   []string{"dialect"},
		third: []string{"github.com/sqlc-dev/oliphant", "google.golang.org/protobuf/reflect/protoreflect"},
		why:   "the only room of the PostgreSQL parser; usable with any driver",
	},
	"dialect/postgres": {
		own:   []string{"", "dialect", "dialect/postgres/pgsql"},
		third: []string{"github.com/jackc/pgx/v5"},
		why:   "the shell over pgx",
	},
	"internal/testserver": {
		third: []string{"github.com/jackc/pgx/v5", "github.com/redis/go-redis/v9", "github.com/testcontainers/testcontainers-go", "github.com/moby/moby/client", "github.com/moby/moby/api", "golang.org/x/sys/unix"},
		why:   "finds or starts servers for tests",
	},
	"integration": {why: "tests only"},
	"integration/cachetest": {
		own:   []string{"", "dialect/postgres", "internal/testserver"},
		third: []string{"github.com/jackc/pgx/v5", "github.com/redis/go-redis/v9"},
		why:   "what the tests of users import",
	},
	"integration/checker": {third: []string{"github.com/anishathalye/porcupine"}, why: "judges what a test saw; knows nothing of this module"},
	"examples/quickstart": {own: []string{"", "dialect", "dialect/sqlite", "dialect/postgres"}, why: "uses what a user would"},
}

// TestLayers holds the picture in doc.go.
func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
		layer, ok := layers[name]
		if !ok {
			t.Errorf("package %q has no place in layers: give it one", name)
			continue
		}
		for _, imp := range pkg.Imports {
			if !allowed(imp, layer.own, layer.third) {
				t.Errorf("%q imports %q: %s", name, imp, layer.why)
			}
		}
	}
	if seen != len(layers) {
		t.Errorf("%d packages, %d layers: remove what is gone", seen, len(layers))
	}
}

func allowed(imp string, own, third []string) bool {
	if rest, ok := strings.CutPrefix(imp, module); ok {
		return slices.Contains(own, strings.TrimPrefix(rest, "/"))
	}
	if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
		return true // standard library
	}
	for _, t := range third {
		if imp == t || strings.HasPrefix(imp, t+"/") {
			return true
		}
	}
	return false
}
