package resultset

import (
	"database/sql/driver"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTwin compares what a caller sees of a recording with what he would have
// seen of the live rows, for every script, with and without the optional
// interfaces, under limits that cut it anywhere, read to the end or not.
func TestTwin(t *testing.T) {
	for name, s := range scripts {
		for _, s.plain = range []bool{false, true} {
			for _, limits := range []Limits{{}, {Rows: 1}, {Rows: 2}, {Rows: 9}, {Rows: 10}, {Bytes: 1}, {Bytes: 500}} {
				for most := range 4 {
					if most == 3 {
						most = 1000
					}
					twin(t, fmt.Sprintf("%s/plain=%t/%+v/%d", name, s.plain, limits, most), s, limits, most)
				}
			}
		}
	}
}

func FuzzTwin(f *testing.F) {
	for i := range uint64(20) {
		f.Add(i, uint16(i%4), uint16(i*100), uint8(i))
	}
	f.Fuzz(func(t *testing.T, seed uint64, rows, bytes uint16, most uint8) {
		s := random(rand.New(rand.NewPCG(seed, 0)))
		twin(t, "random", s, Limits{int(rows), int(bytes)}, int(most))
	})
}

func twin(t *testing.T, name string, s script, limits Limits, most int) {
	t.Helper()
	bare, _ := s.live()
	want := play(bare, most)

	live, counts := s.live()
	r := Record(live, limits, nil)
	if r.Finished() != (counts.closed == 1) {
		t.Errorf("%s: Finished %t, closed %d times", name, r.Finished(), counts.closed)
	}
	if failed := r.Why() == Failed; failed != (r.Err() != nil) {
		t.Errorf("%s: %v with error %v", name, r.Why(), r.Err())
	}
	if set := r.Set(); (set != nil) != (r.Why() == Complete) {
		t.Errorf("%s: %v with set %v", name, r.Why(), set)
	} else if set != nil && Limits.passed(limits, set) {
		t.Errorf("%s: a set of %d rows, %d bytes passes %+v", name, set.Len(), set.Bytes(), limits)
	}

	ends := 0
	got := play(r.Rows(func() { ends++ }), most)
	// One who stops before the error of a recording that failed sees what
	// closing returned after it, which live rows need not have said to him:
	// TestFailedEarlyClose.
	if r.Why() != Failed || most > len(s.results[0].rows) {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v\n got %s\nwant %s", name, r.Why(), strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	if ends != 1 {
		t.Errorf("%s: end called %d times", name, ends)
	}
	if counts.closed != 1 {
		t.Errorf("%s: live closed %d times", name, counts.closed)
	}
	if r.Finished() && most >= 1000 {
		if again := play(r.Rows(nil), most); !slices.Equal(again, want) {
			t.Errorf("%s: second replay\n got %q\nwant %q", name, again, want)
		}
	}
}

func random(rnd *rand.Rand) script {
	values := []driver.Value{nil, int64(5), int64(1 << 40), 2.5, true, "", "text",
		[]byte(nil), []byte{}, []byte("bytes"), []byte(strings.Repeat("long", 50)), float32(1), custom{1}}
	s := script{plain: rnd.IntN(2) == 0}
	for range 1 + rnd.IntN(3) {
		res := result{columns: slices.Repeat([]string{"c"}, rnd.IntN(20))}
		// Mostly without the custom type, which ends a recording.
		choice := values[:len(values)-min(1, rnd.IntN(4))]
		for range rnd.IntN(12) {
			r := make(row, len(res.columns))
			for i := range r {
				r[i] = choice[rnd.IntN(len(choice))]
			}
			res.rows = append(res.rows, r)
		}
		if rnd.IntN(5) == 0 {
			res.err = errRead
		}
		s.results = append(s.results, res)
	}
	if rnd.IntN(4) == 0 {
		s.closeErr = errClose
	}
	return s
}

func TestOutcome(t *testing.T) {
	exact := recordAll(t, scripts["ten"]).Bytes()
	tests := []struct {
		script string
		limits Limits
		plain  bool
		why    Outcome
		read   int // rows that the recording has taken
		err    error
	}{
		{script: "empty", why: Complete},
		{script: "empty", limits: Limits{Bytes: 1}, why: TooLarge},
		{script: "no columns", why: Complete},
		{script: "rows of nothing", why: Complete, read: 3},
		{script: "rows of nothing", limits: Limits{Rows: 2}, why: TooLarge, read: 3},
		{script: "all types", why: Complete, read: 27},
		{script: "ten", limits: Limits{Rows: 9}, why: TooLarge, read: 10},
		{script: "ten", limits: Limits{Rows: 10}, why: Complete, read: 10},
		{script: "ten", limits: Limits{Rows: 3}, why: TooLarge, read: 4},
		{script: "ten", limits: Limits{Bytes: exact}, why: Complete, read: 10},
		{script: "ten", limits: Limits{Bytes: exact - 1}, why: TooLarge, read: 10},
		{script: "error first", why: Failed, err: errRead},
		{script: "error middle", why: Failed, read: 5, err: errRead},
		{script: "error middle", limits: Limits{Rows: 4}, why: TooLarge, read: 5},
		{script: "error and close error", why: Failed, read: 2, err: errRead},
		{script: "close error", why: Failed, read: 2, err: errClose},
		{script: "two results", why: MoreSets, read: 2},
		{script: "two results", plain: true, why: Complete, read: 2},
		{script: "custom type", why: CustomType, read: 2},
		{script: "named type", why: CustomType, read: 1},
		{script: "named bytes", why: CustomType, read: 2},
	}
	for _, tt := range tests {
		s, ok := scripts[tt.script]
		if !ok {
			t.Fatalf("no script %q", tt.script)
		}
		s.plain = tt.plain
		live, counts := s.live()
		r := Record(live, tt.limits, nil)
		if r.Why() != tt.why || r.Err() != tt.err || r.set.Len() != tt.read {
			t.Errorf("%s %+v: %v, error %v, %d rows; want %v, %v, %d", tt.script, tt.limits,
				r.Why(), r.Err(), r.set.Len(), tt.why, tt.err, tt.read)
		}
		if want := tt.why == Complete || tt.why == Failed; r.Finished() != want || counts.closed == 1 != want {
			t.Errorf("%s %+v: Finished %t, closed %d times", tt.script, tt.limits, r.Finished(), counts.closed)
		}
	}
}

// TestEnd looks at the moment: before which call returns, and not earlier.
func TestEnd(t *testing.T) {
	next := func(r driver.Rows) error { return r.Next(make(row, len(r.Columns()))) }
	nextSet := func(r driver.Rows) error { return r.(driver.RowsNextResultSet).NextResultSet() }
	type step = func(driver.Rows) error
	tests := []struct {
		name, script string
		limits       Limits
		steps        []step
		at           int // the step that calls end; 0: Rows itself
		err          error
	}{
		{"complete", "ten", Limits{}, []step{next, driver.Rows.Close}, 0, nil},
		{"failed", "error middle", Limits{}, []step{next}, 0, nil},
		{"close failed", "close error", Limits{}, []step{next}, 0, nil},
		{"tail to EOF", "one", Limits{Bytes: 1}, []step{next, next, driver.Rows.Close}, 2, io.EOF},
		{"tail to error", "error middle", Limits{Rows: 3}, []step{next, next, next, next, next, next, driver.Rows.Close}, 6, errRead},
		{"early Close", "ten", Limits{Rows: 2}, []step{next, driver.Rows.Close, driver.Rows.Close}, 2, nil},
		{"failing Close", "close error", Limits{Bytes: 1}, []step{driver.Rows.Close}, 1, errClose},
		{"sets to EOF", "two results", Limits{}, []step{next, next, next, nextSet, next, next, next, next, nextSet}, 8, io.EOF},
		{"sets skipped", "two results", Limits{}, []step{nextSet, nextSet, driver.Rows.Close}, 2, io.EOF},
		{"tail, then sets", "two results", Limits{Rows: 1}, []step{next, next, next, nextSet, driver.Rows.Close}, 5, nil},
		{"no further set", "ten", Limits{Rows: 1}, []step{next, nextSet, driver.Rows.Close}, 2, io.EOF},
		{"custom type", "custom type", Limits{}, []step{next, next, next, next}, 4, io.EOF},
	}
	for _, tt := range tests {
		live, counts := scripts[tt.script].live()
		at, ends, step := -1, 0, 0
		rows := Record(live, tt.limits, nil).Rows(func() { at = step; ends++ })
		for i, f := range tt.steps {
			step = i + 1
			if err := f(rows); step == tt.at && err != tt.err {
				t.Errorf("%s: step %d returned %v, want %v", tt.name, step, err, tt.err)
			}
		}
		if at != tt.at || ends != 1 {
			t.Errorf("%s: end called %d times, at step %d, want once at %d", tt.name, ends, at, tt.at)
		}
		rows.Close()
		if ends != 1 || counts.closed == 0 {
			t.Errorf("%s: after Close: %d ends, %d closes", tt.name, ends, counts.closed)
		}
	}
}

func TestEndComesAfterLiveClose(t *testing.T) {
	live, counts := scripts["ten"].live()
	closed := 0
	rows := Record(live, Limits{Rows: 1}, nil).Rows(func() { closed = counts.closed })
	rows.Close()
	if closed != 1 {
		t.Error("end was called before the live rows were closed")
	}
}

// A caller who stops before the error still learns what closing returned, once.
func TestFailedEarlyClose(t *testing.T) {
	live, _ := scripts["error and close error"].live()
	rows := Record(live, Limits{}, nil).Rows(nil)
	if err := rows.Next(make(row, 1)); err != nil {
		t.Fatal(err)
	}
	if err := rows.(driver.RowsNextResultSet).NextResultSet(); err != errRead {
		t.Errorf("NextResultSet: %v, want %v", err, errRead)
	}
	if err := rows.Close(); err != errClose {
		t.Errorf("Close: %v, want %v", err, errClose)
	}
	if err := rows.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestSecondRowsPanics(t *testing.T) {
	live, _ := scripts["ten"].live()
	r := Record(live, Limits{Rows: 1}, nil)
	r.Rows(nil)
	defer func() {
		if p := recover(); p == nil || !strings.HasPrefix(p.(string), "bug: ") {
			t.Errorf("recovered %v", p)
		}
	}()
	r.Rows(nil)
}

type panicking struct{ driver.Rows }

func (panicking) Next([]driver.Value) error { panic("driver") }

func TestDriverPanicPasses(t *testing.T) {
	live, counts := scripts["ten"].live()
	defer func() {
		if p := recover(); p != "driver" || counts.closed != 0 {
			t.Errorf("recovered %v, closed %d times", p, counts.closed)
		}
	}()
	Record(panicking{live}, Limits{}, nil)
}

func recordAll(t testing.TB, s script) *Set {
	t.Helper()
	live, _ := s.live()
	set := Record(live, Limits{}, nil).Set()
	if set == nil {
		t.Fatalf("no set of %+v", s)
	}
	return set
}
