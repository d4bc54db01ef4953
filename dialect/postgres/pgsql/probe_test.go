package pgsql

import (
	"net/url"
	"strings"
	"testing"

	"github.com/querycache/querycache/dialect"
)

// Both drivers are told the same of one session.
func TestProbe(t *testing.T) {
	db := open(t, "CREATE SCHEMA s")
	pq := connect(t, "postgres", db.dsn+"?sslmode=disable")
	server, session := db.probe()
	server2, session2 := pq.probe()
	if server != server2 {
		t.Errorf("pgx is told %q, lib/pq %q", server, server2)
	}
	if session.Refuse != "" || session2.Refuse != "" {
		t.Errorf("refused with %q and %q", session.Refuse, session2.Refuse)
	}
	if other, _ := open(t, "").probe(); other == server {
		t.Errorf("two databases are both %q", server)
	}
	usual := session.Key
	for _, step := range []struct {
		text   string
		same   bool
		refuse dialect.Reason
	}{
		{text: "SET search_path = s, public"},
		{text: "RESET search_path", same: true},
		{text: "SET TimeZone = 'Asia/Tokyo'"},
		{text: "SET IntervalStyle = 'iso_8601'"},
		{text: "RESET ALL", same: true},
		{text: "SET work_mem = '1MB'", same: true},
		{text: "SET gin_fuzzy_search_limit = 100"},
		{text: "RESET ALL", same: true},
		{text: "SELECT pg_advisory_lock(1)", same: true, refuse: dialect.ReasonHolds},
		{text: "DISCARD ALL", same: true},
		{text: "SET standard_conforming_strings = off", refuse: dialect.ReasonStrings, same: true},
		{text: "RESET ALL", same: true},
		{text: "CREATE TEMP TABLE x (n int)", refuse: dialect.ReasonTempTable},
	} {
		db.exec(step.text)
		_, session := db.probe()
		if session.Refuse != step.refuse || step.refuse == "" && (session.Key == usual) != step.same {
			t.Errorf("after %s: refused %q, key\n%s\nat first\n%s", step.text, session.Refuse, session.Key, usual)
		}
	}
}

// What is set for a role or a database is not what others have.
func TestProbeOwnSettings(t *testing.T) {
	db := open(t, "CREATE SCHEMA s")
	_, usual := db.probe()
	for _, set := range []string{"gin_fuzzy_search_limit = 100", "work_mem = '1MB'"} {
		db.exec("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || quote_ident(current_database()) || ' SET " + strings.ReplaceAll(set, "'", "''") + "'; END $$")
		_, session := connect(t, "pgx", db.dsn).probe()
		_, again := connect(t, "pgx", db.dsn).probe()
		if session.Key != again.Key || session.Key == usual.Key {
			t.Errorf("with %s: %s, then %s, without %s", set, session.Key, again.Key, usual.Key)
		}
	}
}

// Who may not look at the control file, or the log, still has a server.
func TestProbeWithoutRights(t *testing.T) {
	db := open(t, `DO $$ BEGIN CREATE ROLE qc_testprobe LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
	u, err := url.Parse(db.dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User("qc_testprobe")
	weak := connect(t, "pgx", u.String())
	full, _ := db.probe()
	if server, _ := weak.probe(); server != full {
		t.Errorf("%q, the superuser is told %q", server, full)
	}
	for _, f := range []string{"pg_walfile_name(pg_lsn)", "pg_control_system()", "pg_control_checkpoint()"} {
		db.exec("REVOKE EXECUTE ON FUNCTION " + f + " FROM public")
		if server, session := weak.probe(); session.Refuse != "" || server != full {
			t.Errorf("without %s: %q, refused %q, want %q", f, server, session.Refuse, full)
		}
	}
	// Where the role comes first, its name for the database is the one that
	// stays in this process, in whatever time zone, and is nobody else's.
	second := open(t, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public")
	if u, err = url.Parse(second.dsn); err != nil {
		t.Fatal(err)
	}
	u.User = url.User("qc_testprobe")
	server, _ := connect(t, "pgx", u.String()+"?TimeZone=Asia/Tokyo").probe()
	if !server.Weak() || server == full {
		t.Errorf("%q", server)
	}
	for _, dsn := range []string{u.String(), second.dsn} {
		if again, _ := connect(t, "pgx", dsn).probe(); again != server {
			t.Errorf("%q, then %q", server, again)
		}
	}
}
