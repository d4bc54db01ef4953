package pgsql

import (
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/lib/pq"

	"github.com/querycache/querycache/dialect"
)

var nows = []string{
	"now", " Now ", "NOW()", "today", "tomorrow", "yesterday", "today12:00", "today 12:00 PM", "12:00today", "today EST5EDT", "America/New_York now",
	"now at utc", "(now)", "[now,)", "[2020-01-01, tomorrow)", "{now}", `{"2020-01-01","now"}`, `{"at": "now", "what": "some other words"}`, "(1,now,x y z)",
	"<a>now</a>", "a=>now", strings.Repeat("{2020-01-01,", 50) + "now}",
}

var notNows = []string{
	"", "no", "know", "nowhere", "nowadays", "snow", "todays", "today's", "right-now", "now-1", "what to do now", "do it now, or never, as they say",
	"today's news and much more", "jusqu’à now", "the day after tomorrow", "2020-01-01 00:00", "yesterdays",
}

func TestSaysNow(t *testing.T) {
	for _, s := range nows {
		if !SaysNow(s) || !SaysNow([]byte(s)) {
			t.Errorf("%q is now", s)
		}
	}
	for _, s := range notNows {
		if SaysNow(s) || SaysNow([]byte(s)) {
			t.Errorf("%q is not now", s)
		}
	}
}

// What is said not to be now is none to the server either, and the other way
// round where the text is one time.
func TestSaysNowAsTheServer(t *testing.T) {
	db := open(t, "")
	for _, s := range append(append([]string{}, nows...), notNows...) {
		relative := false
		for _, kind := range []string{"timestamptz", "tstzrange", "timestamptz[]", "date"} {
			var a, b string
			err := db.QueryRowContext(t.Context(), "SELECT $1::text::"+kind+"::text", s).Scan(&a)
			if err != nil {
				continue
			}
			time.Sleep(time.Millisecond)
			if err := db.QueryRowContext(t.Context(), "SELECT $1::text::"+kind+"::text", s).Scan(&b); err != nil || a != b {
				relative = true
			}
		}
		if relative && !SaysNow(s) {
			t.Errorf("%q changes with time", s)
		}
	}
}

func TestRefuseArgs(t *testing.T) {
	now, document := "now", map[string]any{"a": "now"}
	for _, test := range []struct {
		value any
		want  dialect.Reason
	}{
		{"now", dialect.ReasonClock}, {"then", ""}, {[]byte("now"), dialect.ReasonClock}, {[]byte(nil), ""}, {nil, ""}, {int64(1), ""}, {time.Now(), ""},
		{&now, dialect.ReasonClock}, {(*string)(nil), ""}, {new(*string), ""}, {[]string{"x", "now"}, dialect.ReasonClock}, {[]*string{nil, &now}, dialect.ReasonClock},
		{sql.NullString{String: "now", Valid: true}, dialect.ReasonClock}, {sql.NullString{String: "now"}, ""}, {sql.Null[string]{V: "now", Valid: true}, dialect.ReasonClock},
		{pgtype.Text{String: "now", Valid: true}, dialect.ReasonClock}, {pgtype.Timestamptz{Time: time.Now(), Valid: true}, ""}, {pq.StringArray{"now"}, dialect.ReasonClock},
		{pgtype.FlatArray[string]{"now"}, dialect.ReasonClock}, {pgx.NamedArgs{"a": "now"}, dialect.ReasonClock}, {pgx.NamedArgs{"a": 1}, ""},
		{document, ""}, {[16]byte{1}, ""}, {[]int32{1}, ""}, {[]any{1, "now"}, dialect.ReasonClock}, {pgx.QueryExecModeExec, ""},
	} {
		if got := (Dialect{}).RefuseArgs([]driver.NamedValue{{Value: int64(1)}, {Value: test.value}}); got != test.want {
			t.Errorf("%#v: %q, want %q", test.value, got, test.want)
		}
	}
	args := []driver.NamedValue{{Value: int64(1)}, {Value: "a usual text"}, {Value: 1.5}, {Value: time.Now()}, {Value: []byte("x")}}
	if n := testing.AllocsPerRun(100, func() { Dialect{}.RefuseArgs(args) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkRefuseArgs(b *testing.B) {
	args := []driver.NamedValue{{Value: int64(1)}, {Value: "a text of some thirty letters"}, {Value: true}}
	for b.Loop() {
		Dialect{}.RefuseArgs(args)
	}
}
