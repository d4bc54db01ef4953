package postgres_test

import (
	"net/url"
	"strings"
	"testing"
)

// role names a role of the test's own: roles belong to the whole server.
func role(t *testing.T) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToLower(t.Name()))
	return "qc_" + name[max(0, len(name)-50):]
}

// as returns the data source name for another user, who needs no password.
func as(t *testing.T, dsn, user string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, "")
	return u.String()
}
