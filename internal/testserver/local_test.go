package testserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	put := func(path string, mode os.FileMode) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(root, "path"))
	folders := filepath.Join(root, "versions/*/bin")
	programs := []string{"one", "two"}
	for _, step := range []struct {
		path string
		mode os.FileMode
		want string
	}{
		{"path/one", 0o700, ""},
		{"path/two", 0o600, ""}, // not a program
		{"versions/9.6/bin/one", 0o700, ""},
		{"versions/9.6/bin/two", 0o700, "versions/9.6/bin"},
		{"versions/15/bin/one", 0o700, "versions/9.6/bin"},
		{"versions/15/bin/two", 0o700, "versions/15/bin"},
		{"versions/14/bin/one", 0o700, "versions/15/bin"},
		{"versions/14/bin/two", 0o700, "versions/15/bin"},
	} {
		put(step.path, step.mode)
		got, err := find(programs, folders)
		if step.want == "" {
			if err == nil || !strings.Contains(err.Error(), "one and two") {
				t.Errorf("%s: got %q, %v", step.path, got, err)
			}
		} else if err != nil || got != filepath.Join(root, step.want) {
			t.Errorf("%s: got %q, %v, want %s", step.path, got, err, step.want)
		}
	}
	put("early/one", 0o700)
	put("early/two", 0o700)
	t.Setenv("PATH", ":"+filepath.Join(root, "path")+":"+filepath.Join(root, "early"))
	if got, err := find(programs, folders); err != nil || got != filepath.Join(root, "early") {
		t.Errorf("got %q, %v: PATH comes first", got, err)
	}
}

// TestLastWords: a server that does not start leaves its reasons and no files.
func TestLastWords(t *testing.T) {
	var folders []string
	k := kind{
		programs: []string{"sh"},
		options:  []string{"an option"},
		command: func(_, folder, _ string) string {
			folders = append(folders, folder)
			return `echo "cannot start with $1"; exit 3`
		},
		url:   func(hostport string) string { return hostport },
		ready: func(context.Context, string, string) error { return errors.New("not yet") },
	}
	_, err := local(k)
	if err == nil || !strings.Contains(err.Error(), "cannot start with an option") {
		t.Errorf("got error %v", err)
	}
	if len(folders) != 2 {
		t.Errorf("%d attempts, want 2", len(folders))
	}
	for _, folder := range folders {
		if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want it gone", folder, err)
		}
	}
}

func TestNoApt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := apt(kind{}); err == nil || !strings.Contains(err.Error(), "apt-get") {
		t.Errorf("got error %v", err)
	}
}
