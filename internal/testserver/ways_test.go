package testserver

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for list, want := range map[string]string{
		"":              "docker local apt",
		"local":         "local",
		"apt , docker":  "apt docker",
		"local,podman":  "!podman",
		"local,":        "!there are docker, local and apt",
		"Docker":        "!Docker",
		"docker;local ": "!docker;local",
	} {
		got, err := choose(list, ways)
		if message, ok := strings.CutPrefix(want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("%q: got error %v, want one with %q", list, err, message)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", list, err)
		}
		var names []string
		for _, w := range got {
			names = append(names, w.name)
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%q: got %q, want %q", list, names, want)
		}
	}
}

func TestUnknownWay(t *testing.T) {
	t.Setenv("QUERYCACHE_TEST_POSTGRES", "")
	t.Setenv("QUERYCACHE_TEST_WAYS", "podman")
	complains(t, postgres, "QUERYCACHE_TEST_WAYS", `"podman"`)
}

// TestUnreachable: what is named is meant, and not replaced by something else.
func TestUnreachable(t *testing.T) {
	t.Setenv("QUERYCACHE_TEST_POSTGRES", "postgres://postgres:secret@127.0.0.1:1/postgres")
	err := complains(t, postgres, "QUERYCACHE_TEST_POSTGRES is set", "PostgreSQL", "127.0.0.1:1")
	if strings.Contains(err.Error(), "secret") {
		t.Error("the error tells the password:", err)
	}
}

func TestNotAURL(t *testing.T) {
	t.Setenv("QUERYCACHE_TEST_POSTGRES", "host=127.0.0.1 password=secret")
	err := complains(t, postgres, "QUERYCACHE_TEST_POSTGRES", "not a URL")
	if strings.Contains(err.Error(), "secret") {
		t.Error("the error tells the password:", err)
	}
}

// TestFirst: a way that does not work is passed over, one that works is the
// last to be tried, and if none does the error says why of each.
func TestFirst(t *testing.T) {
	k := kind{name: "Something"}
	bad := func(why string) way[string] {
		return way[string]{why + "-way", func(kind) (string, error) { return "", errors.New("no " + why) }}
	}
	good := way[string]{"good", func(kind) (string, error) { return "here", nil }}
	never := way[string]{"never", func(kind) (string, error) { t.Error("tried on"); return "", nil }}
	if url, err := first(k, []way[string]{bad("coal"), good, never}); err != nil || url != "here" {
		t.Errorf("got %q, %v", url, err)
	}
	_, err := first(k, []way[string]{bad("coal"), bad("wind")})
	for _, want := range []string{"Something", "coal-way: no coal", "wind-way: no wind"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// TestFolder: docker alone is no way to programs, and so does not restrict the
// others.
func TestFolder(t *testing.T) {
	k := kind{name: "Something", programs: []string{"sh"}}
	for list, want := range map[string]string{
		"":             "",
		"local":        "",
		"docker":       "",
		"docker,local": "",
		"docker,apt":   "apt: ",
		"podman":       "QUERYCACHE_TEST_WAYS",
	} {
		path := os.Getenv("PATH")
		if list == "docker,apt" {
			path = t.TempDir() // nothing is to be installed
		}
		t.Run(list, func(t *testing.T) {
			t.Setenv("PATH", path)
			t.Setenv("QUERYCACHE_TEST_WAYS", list)
			folder, err := k.folder()
			if want == "" && (err != nil || folder == "") || want != "" && err == nil {
				t.Errorf("got %q, %v", folder, err)
			}
			if want != "" && err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "local: ")) {
				t.Errorf("got error %v, want one with %q and of no other way", err, want)
			}
		})
	}
}

func complains(t *testing.T, k kind, about ...string) error {
	t.Helper()
	url, err := k.server()
	if err == nil {
		t.Fatalf("got %s, want an error", url)
	}
	for _, part := range about {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got error %v, want one with %q", err, part)
		}
	}
	return err
}
