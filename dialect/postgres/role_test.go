package postgres_test

import (
	"net/url"
	"strings"
	"testing"
)

// role names a role of the test's own: roles belong to the whole server.
func role(t *testing.T) string {
	return "qc_" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))
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
