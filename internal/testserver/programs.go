package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// found returns the folder that has the programs of this kind of server.
func (k kind) found() (string, error) {
	return find(k.programs, k.folders)
}

// find returns the folder that has all the programs: one of PATH, or else the
// last by version of those that match folders.
func find(programs []string, folders string) (string, error) {
	more, err := filepath.Glob(folders)
	if err != nil {
		return "", err
	}
	slices.SortFunc(more, func(a, b string) int { return byVersion(b, a) })
	for _, folder := range append(filepath.SplitList(os.Getenv("PATH")), more...) {
		if filepath.IsAbs(folder) && has(folder, programs) {
			return folder, nil
		}
	}
	return "", fmt.Errorf("no %s on PATH or in %s", strings.Join(programs, " and "), folders)
}

func has(folder string, programs []string) bool {
	for _, name := range programs {
		if _, err := exec.LookPath(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}

// byVersion compares paths that differ in a version: 9.6 comes before 15.
func byVersion(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(path string) (all []int) {
	for _, digits := range strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(digits) // not a version if it does not fit
		all = append(all, n)
	}
	return all
}
